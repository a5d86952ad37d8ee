import { type DataFigures, exposeData } from './data-metrics.ts';
import { type ExclusiveFigures, exposeExclusive } from './exclusive-metrics.ts';
import type { Exposition, Labels, Sample } from './exposition.ts';
import { exposeOutside, type OutsideFigures } from './outside-metrics.ts';
import type { ProcessFigures } from './process-meter.ts';
import { exposeZones, type ZoneFigures } from './zone-metrics.ts';

type State = 'healthy' | 'unhealthy' | 'unknown';
type Breaker = 'closed' | 'halfOpen' | 'open';

/** What the node as a whole shows in its metrics. The status of the admin API has all of it. */
export interface NodeFigures {
  readonly region: string;
  readonly node: string;
  readonly version: string;
  readonly revision: {
    readonly hash: string;
    readonly sequence: number;
    readonly ageSeconds: number;
    readonly source: string;
    readonly staleForSeconds: number | undefined;
    readonly appliedInSeconds: number | undefined;
    readonly refused: object | undefined;
    readonly pendingRestart: readonly string[];
  };
  readonly store: {
    readonly reachable: boolean;
    readonly outOfReachForSeconds: number;
    readonly buckets: readonly {
      readonly name: string;
      readonly leader: string | undefined;
      readonly quorum: boolean;
      readonly lagMs: number | undefined;
      readonly lagMessages: number | undefined;
    }[];
  };
  readonly regions: readonly {
    readonly name: string;
    readonly gateway: { readonly state: State; readonly flaps: number };
    readonly draining: boolean;
    readonly addresses: readonly { readonly address: string; readonly state: State }[];
  }[];
  readonly services: readonly {
    readonly name: string;
    readonly region: string;
    readonly state: State;
    readonly flaps: number;
    readonly endpoints: readonly {
      readonly address: string;
      readonly state: State;
      readonly ejected: boolean;
      readonly breaker: Breaker;
    }[];
  }[];
  readonly zones?: ZoneFigures | undefined;
  readonly outsideNames?: readonly OutsideFigures[] | undefined;
  readonly shifts?: readonly {
    readonly id: string;
    readonly subject: string;
    readonly to: string;
    readonly state: string;
    /** In percent. */
    readonly share: number;
    readonly holds: boolean;
  }[];
  readonly checks?: readonly {
    readonly name: string;
    readonly state: State;
    /** ISO 8601. */
    readonly since: string | undefined;
    readonly flaps: number;
  }[];
  readonly exclusive?: readonly ExclusiveFigures[];
  readonly data?: DataFigures | undefined;
  readonly measuredLatency?:
    | {
        readonly accepted: number;
        readonly refused: Readonly<Record<string, number>>;
        readonly networks: number;
        readonly steeredBy: number;
        readonly ageSeconds: number | undefined;
      }
    | undefined;
  readonly geo?:
    | { readonly source: string; readonly type: string; readonly ageSeconds: number }
    | undefined;
}

const stateValues: Readonly<Record<State, number>> = { healthy: 1, unhealthy: 0, unknown: -1 };
const breakerValues: Readonly<Record<Breaker, number>> = { closed: 0, halfOpen: 1, open: 2 };
const stateLegend = '1 healthy, 0 unhealthy, -1 unknown.';

/** Writes what is true of the node, its process and its view of the regions. */
export function exposeNode(
  exposition: Exposition,
  node: NodeFigures,
  process: ProcessFigures,
): void {
  exposition.gauge('meridian_node_info', 'Always 1; the labels identify the node.', [
    [{ region: node.region, node: node.node, version: node.version }, 1],
  ]);
  exposeRevision(exposition, node);
  exposeStore(exposition, node);
  exposeHealth(exposition, node);
  exposeShifts(exposition, node);
  exposeGeo(exposition, node);
  exposeZones(exposition, node.zones);
  exposeOutside(exposition, node.outsideNames);
  exposeExclusive(exposition, node.exclusive);
  exposeData(exposition, node.data);
  exposeLatency(exposition, node);
  exposeProcess(exposition, process);
}

function exposeRevision(exposition: Exposition, { revision }: NodeFigures): void {
  exposition.gauge('meridian_configuration_info', 'Always 1; the labels name the revision.', [
    [{ revision: revision.hash, source: revision.source }, 1],
  ]);
  exposition.gauge('meridian_configuration_sequence', 'Sequence number of the revision.', [
    [{}, revision.sequence],
  ]);
  exposition.gauge(
    'meridian_configuration_age_seconds',
    'Time since the node last loaded or confirmed its configuration.',
    [[{}, revision.ageSeconds]],
  );
  exposition.gauge(
    'meridian_configuration_stale_seconds',
    'Time since the node last knew that its configuration is the one to run; 0 while it knows.',
    known([{}, revision.staleForSeconds]),
  );
  exposition.gauge(
    'meridian_configuration_refused',
    'Whether the node could not build the newest revision that it was to run: 1 or 0.',
    [[{}, revision.refused ? 1 : 0]],
  );
  exposition.gauge(
    'meridian_configuration_restart_pending',
    'How many changes of the configuration take effect at the next start only.',
    [[{}, revision.pendingRestart.length]],
  );
  exposition.gauge(
    'meridian_configuration_apply_seconds',
    'Time from hearing of the revision that runs to serving it.',
    known([{}, revision.appliedInSeconds]),
  );
}

/** Figures that nobody knows at the moment are left out. */
function known(...samples: readonly (readonly [Labels, number | undefined])[]): Sample[] {
  return samples.flatMap(([labels, value]): Sample[] =>
    value === undefined || Number.isNaN(value) ? [] : [[labels, value]],
  );
}

function exposeStore(exposition: Exposition, { store }: NodeFigures): void {
  const { buckets } = store;
  exposition.gauge('meridian_store_reachable', 'Whether the store answers: 1 or 0.', [
    [{}, store.reachable ? 1 : 0],
  ]);
  exposition.gauge(
    'meridian_store_out_of_reach_seconds',
    'For how long the store has not answered; 0 while it does.',
    [[{}, store.outOfReachForSeconds]],
  );
  exposition.gauge(
    'meridian_store_bucket_quorum',
    'Whether a majority of the replicas of the bucket is there: 1 or 0.',
    buckets.map(({ name, quorum }) => [{ bucket: name }, quorum ? 1 : 0]),
  );
  exposition.gauge(
    'meridian_store_bucket_leader_info',
    'Always 1; the labels name the voter that leads the bucket.',
    buckets.flatMap(({ name, leader }): Sample[] =>
      leader === undefined ? [] : [[{ bucket: name, leader }, 1]],
    ),
  );
  exposition.gauge(
    'meridian_store_bucket_lag_seconds',
    "How far the region's own replica of the bucket is behind.",
    known(...buckets.map(({ name, lagMs }) => [{ bucket: name }, inSeconds(lagMs)] as const)),
  );
  exposition.gauge(
    'meridian_store_bucket_lag_messages',
    "How many messages the region's own replica of the bucket lacks.",
    known(...buckets.map(({ name, lagMessages }) => [{ bucket: name }, lagMessages] as const)),
  );
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}

function exposeHealth(exposition: Exposition, { regions, services, checks }: NodeFigures): void {
  exposition.gauge(
    'meridian_gateway_state',
    `State of the gateway of each region as this node holds it: ${stateLegend}`,
    regions.map(({ name, gateway }) => [{ region: name }, stateValues[gateway.state]]),
  );
  exposition.counter(
    'meridian_gateway_state_changes_total',
    'Changes of the state of the gateway of each region since the node started.',
    regions.map(({ name, gateway }) => [{ region: name }, gateway.flaps]),
  );
  exposition.gauge(
    'meridian_region_draining',
    'Whether the region is draining: 1 or 0.',
    regions.map(({ name, draining }) => [{ region: name }, draining ? 1 : 0]),
  );
  exposition.gauge(
    'meridian_address_state',
    `State of each address that clients are sent to, as this node holds it: ${stateLegend}`,
    regions.flatMap(({ name, addresses }) =>
      addresses.map(
        ({ address, state }) => [{ region: name, address }, stateValues[state]] as const,
      ),
    ),
  );
  exposition.gauge(
    'meridian_service_state',
    `State of each service in each region as this node holds it: ${stateLegend}`,
    services.map(({ name, region, state }) => [{ service: name, region }, stateValues[state]]),
  );
  exposition.counter(
    'meridian_service_state_changes_total',
    'Changes of the state of each service in each region between healthy and unhealthy.',
    services.map(({ name, region, flaps }) => [{ service: name, region }, flaps]),
  );
  exposeBreakers(exposition, services);
  exposeChecks(exposition, checks);
}

function exposeLatency(exposition: Exposition, { measuredLatency }: NodeFigures): void {
  if (!measuredLatency) return;
  const { accepted, refused, networks, steeredBy, ageSeconds } = measuredLatency;
  const name = (of: string) => `meridian_measured_latency_${of}`;
  exposition.counter(name('reports_total'), 'Reports of browsers that counted.', [[{}, accepted]]);
  exposition.counter(
    name('reports_refused_total'),
    'Reports that did not count, by reason; `frame`: of another node, as a whole.',
    Object.entries(refused).map(([reason, times]) => [{ reason }, times]),
  );
  exposition.gauge(name('networks'), 'Client networks that something is known of.', [
    [{}, networks],
  ]);
  exposition.gauge(
    name('networks_believed'),
    'Client networks that are steered by, neighbours that rank the regions alike as one.',
    [[{}, steeredBy]],
  );
  exposition.gauge(
    name('age_seconds'),
    'Since the newest report, of this node or another.',
    known([{}, ageSeconds]),
  );
}

function exposeGeo(exposition: Exposition, { geo }: NodeFigures): void {
  if (!geo) return;
  const { source, type, ageSeconds } = geo;
  exposition.gauge('meridian_geo_database_info', 'Always 1; the labels name the database in use.', [
    [{ source, type }, 1],
  ]);
  exposition.gauge(
    'meridian_geo_database_age_seconds',
    'Since the maker of the GeoIP database made it.',
    [[{}, ageSeconds]],
  );
}

/** The reason of each state is in the status of the admin API: as a label it would be a series of its own each time. */
function exposeChecks(exposition: Exposition, checks: NodeFigures['checks'] = []): void {
  exposition.gauge(
    'meridian_check_state',
    `State of each check by name as this node holds it: ${stateLegend}`,
    checks.map(({ name, state }) => [{ check: name }, stateValues[state]]),
  );
  exposition.gauge(
    'meridian_check_last_change_timestamp_seconds',
    'Time of the last change of the state of each check, since 1970.',
    checks.flatMap(({ name, since }): Sample[] =>
      since === undefined ? [] : [[{ check: name }, Date.parse(since) / 1_000]],
    ),
  );
  exposition.counter(
    'meridian_check_state_changes_total',
    'Changes of the state of each check between healthy and unhealthy.',
    checks.map(({ name, flaps }) => [{ check: name }, flaps]),
  );
}

function exposeBreakers(exposition: Exposition, services: NodeFigures['services']): void {
  const all = services.flatMap(({ name, region, endpoints }) =>
    endpoints.map((endpoint) => ({
      labels: { service: name, region, endpoint: endpoint.address },
      endpoint,
    })),
  );
  exposition.gauge(
    'meridian_endpoint_state',
    `State of each endpoint by the probes of this node: ${stateLegend}`,
    all.map(({ labels, endpoint }) => [labels, stateValues[endpoint.state]]),
  );
  exposition.gauge(
    'meridian_endpoint_ejected',
    'Whether this node avoids the endpoint: 1 or 0.',
    all.map(({ labels, endpoint }) => [labels, endpoint.ejected ? 1 : 0]),
  );
  exposition.gauge(
    'meridian_endpoint_breaker_state',
    'Circuit breaker of each endpoint on this node: 0 closed, 1 half-open (trials only), 2 open.',
    all.map(({ labels, endpoint }) => [labels, breakerValues[endpoint.breaker]]),
  );
}

function exposeShifts(exposition: Exposition, { shifts = [] }: NodeFigures): void {
  const labels = ({ id, subject, to }: (typeof shifts)[number]) => ({ shift: id, subject, to });
  exposition.gauge(
    'meridian_shift_share',
    'Share that a shift of traffic sets on this node, 0 to 1; only while its weights follow it.',
    shifts.filter(({ holds }) => holds).map((shift) => [labels(shift), shift.share / 100]),
  );
  exposition.gauge(
    'meridian_shift_state',
    'Always 1; the labels name a shift of traffic and its state.',
    shifts.map((shift) => [{ ...labels(shift), state: shift.state }, 1]),
  );
}

function exposeProcess(exposition: Exposition, process: ProcessFigures): void {
  exposition.counter('process_cpu_seconds_total', 'CPU time of all threads, user and system.', [
    [{}, process.cpuSeconds],
  ]);
  exposition.gauge('process_resident_memory_bytes', 'Resident memory.', [
    [{}, process.residentBytes],
  ]);
  exposition.gauge('process_start_time_seconds', 'Start of the process since 1970.', [
    [{}, process.startTimeSeconds],
  ]);
  exposition.gauge('meridian_uptime_seconds', 'Time since the start of the process.', [
    [{}, process.uptimeSeconds],
  ]);
  exposition.gauge(
    'meridian_event_loop_delay_seconds',
    'How late timers of the main thread ran over the last 10 s or more.',
    Object.entries(process.eventLoopDelaySeconds).map(([stat, value]) => [{ stat }, value]),
  );
}
