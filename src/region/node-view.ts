import type { NodeStatus, NodeView } from '../admin/node-view.ts';
import type { Clock } from '../base/clock.ts';
import type { Topology } from '../config/topology.ts';
import { explainDns } from '../dns/explain.ts';
import { explainRequest } from '../gateway/explain.ts';
import type { Health } from '../health/health.ts';
import type { HealthTable } from '../health/table.ts';
import { ProcessMeter } from '../observability/process-meter.ts';
import { renderMetrics } from '../observability/render-metrics.ts';
import type { Store } from '../store/store.ts';
import type { Configuration } from './configuration.ts';
import type { DataPlane } from './data-plane.ts';
import { regionStatuses, serviceStatuses } from './health-view.ts';
import type { NodeOptions } from './node.ts';

export type NodePhase = 'starting' | 'serving' | 'draining' | 'closed';

export interface NodeParts {
  readonly options: NodeOptions;
  readonly configuration: Configuration;
  readonly topology: Topology;
  readonly table: HealthTable;
  readonly health: Health;
  readonly dataPlane: DataPlane;
  readonly store: Store;
  readonly clock: Clock;
  /** Standing troubles, found at the start. */
  readonly degraded: readonly string[];
  phase(): NodePhase;
  drain(): void;
}

/** Below this an unreachable store is still connecting and no trouble yet. */
const storeGraceMs = 5_000;

/** What the admin API shows of a running node, put together from its parts when asked. */
export function createNodeView(parts: NodeParts): NodeView {
  const { options, configuration, topology, table } = parts;
  const { config, sequence, locator } = configuration;
  const meter = new ProcessMeter();
  const status = () => statusOf(parts);
  return {
    ready: () => readinessOf(parts),
    status,
    metrics: () =>
      renderMetrics({
        node: status(),
        process: meter.read(),
        gateway: parts.dataPlane.gatewayMetrics,
        dns: parts.dataPlane.dnsMetrics,
      }),
    explainRequest: (method, url) =>
      explainRequest({ config, region: options.region, health: table }, method, url),
    explainDns: (name, type, client) =>
      explainDns(
        { config, topology, region: options.region, states: table, locator, serial: sequence },
        name,
        type,
        client ?? '127.0.0.1',
      ),
    drain: parts.drain,
  };
}

function readinessOf({ phase, dataPlane }: NodeParts): { ready: boolean; reasons: string[] } {
  const reasons: string[] = [];
  if (phase() !== 'serving') reasons.push(`the node is ${phase()}`);
  for (const { role, index, serving } of dataPlane.threads) {
    if (!serving) reasons.push(`${role} thread ${index} does not serve`);
  }
  return { ready: reasons.length === 0, reasons };
}

function statusOf(parts: NodeParts): NodeStatus {
  const { options, configuration, clock, dataPlane } = parts;
  const store = parts.store.status();
  const health = parts.health.states();
  const { revision, sequence, acceptedAtMs, source } = configuration;
  return {
    region: options.region,
    node: options.region,
    version: options.version,
    revision: {
      hash: revision,
      sequence,
      loadedAt: new Date(acceptedAtMs).toISOString(),
      ageSeconds: seconds(Math.max(0, clock.wallMs() - acceptedAtMs)),
      source,
    },
    degraded: troublesOf(parts),
    store: {
      engine: store.engine,
      reachable: store.reachable,
      outOfReachForSeconds: seconds(store.outOfReachForMs),
      lastError: store.lastError,
    },
    regions: regionStatuses(health),
    services: serviceStatuses(health, options.region),
    threads: dataPlane.threads,
  };
}

function troublesOf(parts: NodeParts): string[] {
  const troubles = [...parts.degraded, ...readinessOf(parts).reasons];
  const { engine, reachable, outOfReachForMs, lastError } = parts.store.status();
  if (!reachable && outOfReachForMs > storeGraceMs) {
    const why = lastError === undefined ? '' : `: ${lastError}`;
    troubles.push(
      `the store (${engine}) has been out of reach for ${Math.round(outOfReachForMs / 1_000)} s${why}`,
    );
  }
  if (parts.configuration.source === 'snapshot') {
    troubles.push('serving from the snapshot on disk, not from a configuration file');
  }
  return troubles;
}

function seconds(ms: number): number {
  return Math.round(ms) / 1_000;
}
