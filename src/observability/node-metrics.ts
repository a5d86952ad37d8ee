import type { Exposition } from './exposition.ts';
import type { ProcessFigures } from './process-meter.ts';

type State = 'healthy' | 'unhealthy' | 'unknown';

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
  };
  readonly store: { readonly reachable: boolean; readonly outOfReachForSeconds: number };
  readonly regions: readonly {
    readonly name: string;
    readonly gateway: { readonly state: State; readonly flaps: number };
    readonly draining: boolean;
  }[];
  readonly services: readonly {
    readonly name: string;
    readonly region: string;
    readonly state: State;
    readonly endpoints: readonly { readonly address: string; readonly ejected: boolean }[];
  }[];
}

const stateValues: Readonly<Record<State, number>> = { healthy: 1, unhealthy: 0, unknown: -1 };
const stateLegend = '1 healthy, 0 unhealthy, -1 unknown.';

/** Writes what is true of the node, its process and its view of the regions. */
export function exposeNode(
  exposition: Exposition,
  node: NodeFigures,
  process: ProcessFigures,
): void {
  const { region, revision } = node;
  exposition.gauge('meridian_node_info', 'Always 1; the labels identify the node.', [
    [{ region, node: node.node, version: node.version }, 1],
  ]);
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
  exposeStore(exposition, node);
  exposeHealth(exposition, node);
  exposeProcess(exposition, process);
}

function exposeStore(exposition: Exposition, { store }: NodeFigures): void {
  exposition.gauge('meridian_store_reachable', 'Whether the store answers: 1 or 0.', [
    [{}, store.reachable ? 1 : 0],
  ]);
  exposition.gauge(
    'meridian_store_out_of_reach_seconds',
    'For how long the store has not answered; 0 while it does.',
    [[{}, store.outOfReachForSeconds]],
  );
}

function exposeHealth(exposition: Exposition, { regions, services }: NodeFigures): void {
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
    'meridian_service_state',
    `State of each service in each region as this node holds it: ${stateLegend}`,
    services.map(({ name, region, state }) => [{ service: name, region }, stateValues[state]]),
  );
  exposition.gauge(
    'meridian_endpoint_ejected',
    'Whether this node avoids the endpoint: 1 or 0.',
    services.flatMap(({ name, region, endpoints }) =>
      endpoints.map(
        ({ address, ejected }) =>
          [{ service: name, region, endpoint: address }, ejected ? 1 : 0] as const,
      ),
    ),
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
