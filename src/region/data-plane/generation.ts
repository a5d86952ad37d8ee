import { compileTopology, type Topology } from '../../config/topology.ts';
import type { TransferredZones } from '../../dns/transfer/zone-image.ts';
import { HealthTable } from '../../health/table.ts';
import type { Configuration } from '../configuration/configuration.ts';

/** What serves from one swap to the next. */
export interface Generation {
  /**
   * Rises in this process and is never given twice: a thread may still be building a generation
   * that was given up, and what it says of that must not be taken for the next.
   */
  readonly number: number;
  readonly configuration: Configuration;
  readonly topology: Topology;
  readonly table: HealthTable;
  /** What there is of zones that come from elsewhere. */
  readonly transferred: TransferredZones;
}

/**
 * The generation that is to follow. Where regions, services, endpoints and the columns of
 * threads are the same, it shares the table of the one before; else what was ejected stays ejected where it stays.
 */
export function nextGeneration(
  before: Generation | undefined,
  configuration: Configuration,
  number = (before?.number ?? 0) + 1,
  transferred = before?.transferred ?? {},
): Generation {
  const topology = compileTopology(configuration.config);
  if (before && shapeOf(before.topology) === shapeOf(topology)) {
    return { number, configuration, topology, table: before.table, transferred };
  }
  const table = new HealthTable(topology);
  if (before) table.carryOver(before.table, before.topology, topology);
  return { number, configuration, topology, table, transferred };
}

/** Equal where the small integers of two topologies mean the same, and the table has the same columns. */
function shapeOf(topology: Topology): string {
  const { regions, services, endpoints, addresses, exclusive, gatewayThreads } = topology;
  return JSON.stringify([
    gatewayThreads,
    regions.map(({ name }) => name),
    services.map(({ name }) => name),
    endpoints.map(({ serviceIndex, regionIndex, host, port }) => [
      serviceIndex,
      regionIndex,
      host,
      port,
    ]),
    exclusive.map(({ name }) => name),
    addresses.map(({ regionIndex, address }) => [regionIndex, address]),
  ]);
}
