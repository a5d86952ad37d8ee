import type { Config } from '../../config/schema/config.ts';
import type { ExclusiveInfo, Topology } from '../../config/topology.ts';
import type { Facts } from '../../exclusive/lease-rules.ts';
import { type HealthTable, healthy, unhealthy } from '../../health/table.ts';

/** What the health of a set is made from: its services, in tables of the present revision. */
export interface FitnessWorld {
  readonly topology: Topology;
  readonly table: HealthTable;
  /** Indices of the services that the set is for. */
  readonly services: readonly number[];
  readonly ownRegion: number;
}

/** The words of vantages on the own gateway. */
export interface Words {
  readonly up: number;
  readonly down: number;
  /** Vantages there are, heard or not. */
  readonly all: number;
}

/**
 * Whether a region may become, or stay, active, as this node sees it:
 *
 *   healthy      control on, not draining, its gateway healthy, none of the services unhealthy
 *   promotable   the own region, by evidence: most vantages are heard, the own one counted, most
 *                of those say that its gateway is up, and each service is healthy
 *   failing      the own region, unhealthy or withdrawn: it hands over if another is healthy
 */
export function judgeFitness(
  { topology, table, services, ownRegion }: FitnessWorld,
  { up, down, all }: Words,
): Pick<Facts, 'promotable' | 'failing' | 'healthy'> {
  const isIn = (region: number): boolean => table.controlOn(region) && !table.draining(region);
  const isHealthy = (region: number): boolean =>
    isIn(region) &&
    table.gateway(region) === healthy &&
    services.every((service) => table.service(service, region) !== unhealthy);
  const heard = up + down;
  const byQuorum = heard > all / 2 && up > heard / 2;
  const isProven = services.every((service) => table.service(service, ownRegion) === healthy);
  const isBroken = services.some((service) => table.service(service, ownRegion) === unhealthy);
  return {
    promotable: byQuorum && isProven && isHealthy(ownRegion),
    failing: !isIn(ownRegion) || table.gateway(ownRegion) === unhealthy || isBroken,
    healthy: (region) => isHealthy(topology.regionIndex.get(region) ?? -1),
  };
}

/** Indices of the services that are active with the set: by themselves, or on a route. */
export function servicesOf(
  { name }: ExclusiveInfo,
  { services, routes }: Pick<Config, 'services' | 'routes'>,
  { serviceIndex }: Topology,
): number[] {
  const names = new Set<string>();
  for (const [service, { exclusive }] of Object.entries(services)) {
    if (exclusive === name) names.add(service);
  }
  for (const { exclusive, service, services: weighted = [] } of routes) {
    if (exclusive !== name) continue;
    if (service !== undefined) names.add(service);
    for (const one of weighted) names.add(one.service);
  }
  return [...names].flatMap((service) => serviceIndex.get(service) ?? []);
}
