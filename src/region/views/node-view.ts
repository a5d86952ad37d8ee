import type { NodeStatus, NodeView, RevisionStatus } from '../../admin/node-view.ts';
import type { Clock } from '../../base/clock.ts';
import { inSlices } from '../../base/steps.ts';
import { explainDns } from '../../dns/explain.ts';
import { outsideTroubles } from '../../dns/outside/outside-status.ts';
import { compileDnsDataInSteps } from '../../dns/server/data.ts';
import { explainRequest } from '../../gateway/explain/explain.ts';
import type { Health } from '../../health/health.ts';
import { ProcessMeter } from '../../observability/process-meter.ts';
import { renderMetrics } from '../../observability/render-metrics.ts';
import type { Revisions } from '../../revisions/revisions.ts';
import type { Secrets } from '../../secrets/secrets.ts';
import { appliedShifts } from '../../shifts/shift.ts';
import type { Store } from '../../store/store.ts';
import { sequenceOf } from '../configuration/configuration.ts';
import type { ConfigurationSource } from '../configuration/configuration-source.ts';
import type { LiveConfiguration } from '../configuration/live-configuration.ts';
import type { StalenessWatch } from '../configuration/staleness-watch.ts';
import type { DataService } from '../data/data-service.ts';
import type { DataPlane } from '../data-plane/data-plane.ts';
import type { NodeExclusive } from '../exclusive/node-exclusive.ts';
import type { MeasuredLatency } from '../latency/measured-latency.ts';
import type { NodeOptions } from '../node.ts';
import { zoneOf } from '../own-node.ts';
import type { NodeShifts } from '../shifts/node-shifts.ts';
import type { SnapshotKeeper } from '../start/snapshot-keeper.ts';
import type { ZoneTransfers } from '../transfers/zone-transfers.ts';
import { dataStatus } from './data-view.ts';
import { createExclusiveView, exclusiveStatuses } from './exclusive-view.ts';
import { geoStatus } from './geo-view.ts';
import { checkStatuses, endpointStates, regionStatuses, serviceStatuses } from './health-view.ts';
import { createRevisionsView } from './revisions-view.ts';
import { createSecretsView } from './secrets-view.ts';
import { createShiftsView } from './shifts-view.ts';
import { storeTroubles, storeView } from './store-view.ts';
import { zonesStatus } from './zones-view.ts';

export type NodePhase = 'starting' | 'serving' | 'draining' | 'closed';

export interface NodeParts {
  readonly options: NodeOptions;
  readonly live: LiveConfiguration;
  readonly health: Health;
  readonly exclusive: NodeExclusive;
  readonly dataPlane: DataPlane;
  readonly data: DataService;
  readonly latency: MeasuredLatency;
  readonly store: Store;
  readonly revisions: Revisions;
  readonly secrets: Secrets;
  readonly nodeShifts: NodeShifts;
  readonly source: ConfigurationSource;
  readonly snapshots: SnapshotKeeper;
  readonly staleness: StalenessWatch;
  readonly transfers: ZoneTransfers | undefined;
  readonly clock: Clock;
  phase(): NodePhase;
  drain(): void;
}

/** How long a node waits for a part of an explanation, at most. */
const sliceMs = 5;

/** What the admin API shows of a running node, put together from its parts when asked. */
export function createNodeView(parts: NodeParts): NodeView {
  const { live } = parts;
  const meter = new ProcessMeter();
  const startedAt = new Date(parts.clock.wallMs()).toISOString();
  const status = () => statusOf(parts, startedAt);
  return {
    ready: () => readinessOf(parts),
    status,
    metrics: () =>
      renderMetrics({
        node: status(),
        process: meter.read(),
        gateway: [parts.dataPlane.gatewayMetrics()],
        dns: parts.dataPlane.dnsMetrics,
        data: parts.data.report?.figures,
      }),
    explainRequest: (question) => {
      const { configuration, table } = live.generation;
      const { config, own, material } = configuration;
      const options = {
        config,
        region: own.region,
        health: table,
        zone: zoneOf(config, own),
        balancingSecrets: material.cookieSecrets,
        endpointState: endpointStates(parts.health.states()),
        shifts: appliedShifts(parts.nodeShifts.document),
        clock: parts.clock,
      };
      return explainRequest(options, question);
    },
    explainDns: async (name, type, client = '127.0.0.1') => {
      const { configuration, topology, table, transferred } = live.generation;
      const { config, own, locator, serial, material } = configuration;
      const { region } = own;
      const { zoneKeys, transferSecrets } = material;
      const states = table;
      const secrets = { zoneKeys, transferSecrets };
      const { latency } = parts;
      const location = { locator, measured: latency, reported: latency };
      const options = {
        config,
        topology,
        region,
        states,
        serial,
        shifts: appliedShifts(parts.nodeShifts.document),
        transferred,
        ...location,
        ...secrets,
      };
      const data = await inSlices(compileDnsDataInSteps(options), sliceMs);
      return explainDns({ ...options, data }, name, type, client);
    },
    drain: parts.drain,
    revisions: createRevisionsView(parts, () => status().revision),
    exclusive: createExclusiveView(parts.exclusive),
    secrets: createSecretsView(parts.secrets, live),
    shifts: createShiftsView(parts.nodeShifts, live),
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

function statusOf(parts: NodeParts, startedAt: string): NodeStatus {
  const { options, live, clock, dataPlane, nodeShifts } = parts;
  const shiftCounts = nodeShifts.counts(startedAt);
  const health = parts.health.states();
  const { own } = live.configuration;
  const readiness = readinessOf(parts);
  const outside = dataPlane.outside();
  return {
    region: own.region,
    node: own.node,
    version: options.version,
    reportedAt: new Date(clock.wallMs()).toISOString(),
    ready: readiness.ready,
    revision: revisionOf(parts),
    degraded: [...troublesOf(parts), ...readiness.reasons],
    store: storeView(parts.store.status()),
    regions: regionStatuses(health),
    services: serviceStatuses(health, own.region),
    checks: checkStatuses(health),
    measuredLatency: parts.latency.figures(),
    geo: geoStatus(live.configuration.locator, clock),
    zones: zonesStatus(parts.transfers),
    outsideNames: outside.length > 0 ? outside : undefined,
    exclusive: exclusiveStatuses(parts.exclusive.statuses()),
    data: dataStatus(parts.data),
    threads: dataPlane.threads,
    traffic: { ...dataPlane.traffic(), startedAt },
    shifts: nodeShifts.statuses(),
    ...(shiftCounts && { shiftCounts }),
  };
}

function revisionOf({ live, source, clock }: NodeParts): RevisionStatus {
  const { configuration } = live;
  const { acceptedAtMs, hash } = configuration;
  const staleForMs = source.staleForMs();
  const { durationMs } = live;
  const { refused } = source;
  return {
    hash,
    sequence: sequenceOf(configuration),
    loadedAt: new Date(acceptedAtMs).toISOString(),
    ageSeconds: seconds(Math.max(0, clock.wallMs() - acceptedAtMs)),
    source: isConfirmed(configuration.origin, staleForMs) ? 'store' : configuration.source,
    staleForSeconds: staleForMs === undefined ? undefined : seconds(staleForMs),
    appliedInSeconds: durationMs === undefined ? undefined : seconds(durationMs),
    refused: refused && { sequence: refused.sequence, reason: refused.reason },
    fileRefused: configuration.fileRefused,
    pendingRestart: live.pendingRestart,
  };
}

/** Whatever it started from: the store has been heard since. */
function isConfirmed(origin: string, staleForMs: number | undefined): boolean {
  return origin === 'store' && staleForMs !== undefined && Number.isFinite(staleForMs);
}

function troublesOf(parts: NodeParts): string[] {
  const { live, source, snapshots, staleness, store, transfers, nodeShifts, dataPlane } = parts;
  const { configuration } = live;
  const troubles = [
    ...configuration.degraded,
    ...source.troubles,
    ...storeTroubles(store.status()),
    ...(transfers?.troubles ?? []),
    ...outsideTroubles(dataPlane.outside()),
    ...nodeShifts.troubles,
    ...parts.data.troubles,
    ...live.pendingRestart.map((what) => `takes effect at the next start: ${what}`),
  ];
  for (const trouble of [snapshots.trouble, staleness.trouble]) {
    if (trouble !== undefined) troubles.push(trouble);
  }
  const { source: from, origin } = configuration;
  if (from !== 'store' && from !== 'file' && !isConfirmed(origin, source.staleForMs())) {
    troubles.push(`${startedFrom[from]}, and the store has not been heard since`);
  }
  return [...new Set(troubles)];
}

const startedFrom = {
  snapshot: 'serving from the snapshot on disk',
  peer: 'serving a copy from another node',
  bundle: 'serving from an exported bundle',
} as const;

function seconds(ms: number): number {
  return Math.round(ms) / 1_000;
}
