import { fineWidth } from './fine-histogram.ts';
import { histogramWidth, requestBoundsMs } from './histogram.ts';

export interface EndpointLabels {
  readonly service: string;
  readonly region: string;
  /** `host:port`. */
  readonly endpoint: string;
}

/** What the counters are indexed by; the same in every thread of a node, in the order of the configuration. */
export interface GatewayMetricsLayout {
  readonly routes: readonly string[];
  readonly regions: readonly string[];
  readonly listeners: readonly string[];
  readonly services: readonly string[];
  readonly endpoints: readonly EndpointLabels[];
  /** Codes of the problems that a gateway answers with. */
  readonly problems: readonly string[];
}

/** How an attempt can fail, and why a connection can end, in the words of the gateway. */
export const failureKinds = [
  'connect',
  'tls',
  'timeout',
  'closed',
  'badResponse',
  'saturated',
  'unprocessed',
] as const;
/** Why a request that might have been sent again was not. */
export const withheldReasons = ['attempts', 'budget'] as const;
export const closeCauses = [
  ...['idle', 'head', 'body', 'drain', 'progress', 'linger'],
  ...['total', 'notActive', 'malformed', 'handshake', 'proxyProtocol', 'untrustedProxy'],
  ...['pong', 'settling', 'resets', 'provokedResets', 'continuations', 'settings', 'pings'],
  ...['emptyData', 'windowUpdates', 'priorities', 'unknownFrames'],
] as const;

/** Versions of HTTP that clients ask in. */
export const httpVersions = ['1.0', '1.1', '2'] as const;

export const statusCodes = 600;
export const statusClasses = 5;

/** By what a counter is told apart. `routes` has a slot more, for requests without a route. */
type Axis = keyof GatewayMetricsLayout | 'once';

interface Family {
  readonly axis: Axis;
  /** Words for each. */
  readonly width: number;
}

/** Every counter there is, in the order in which they lie. */
export const families = {
  responses: { axis: 'once', width: statusCodes },
  versions: { axis: 'once', width: httpVersions.length },
  shed: { axis: 'once', width: 1 },
  received: { axis: 'once', width: 1 },
  sent: { axis: 'once', width: 1 },
  unlogged: { axis: 'once', width: 1 },
  causes: { axis: 'once', width: closeCauses.length },
  linkFailures: { axis: 'once', width: failureKinds.length },
  opened: { axis: 'listeners', width: 1 },
  closed: { axis: 'listeners', width: 1 },
  refusals: { axis: 'problems', width: 1 },
  relayed: { axis: 'regions', width: 1 },
  /** Classes of status, then bytes in and out, then durations: what one request touches lies together. */
  routes: { axis: 'routes', width: statusClasses + 2 + histogramWidth(requestBoundsMs) },
  services: { axis: 'services', width: statusClasses + fineWidth },
  retries: { axis: 'services', width: 1 },
  withheld: { axis: 'services', width: withheldReasons.length },
  endpoints: { axis: 'endpoints', width: statusClasses + fineWidth },
  failures: { axis: 'endpoints', width: failureKinds.length },
  ejections: { axis: 'endpoints', width: 1 },
} as const satisfies Readonly<Record<string, Family>>;

export type CounterName = keyof typeof families;
export const counterNames = Object.keys(families) as readonly CounterName[];

/** How many there are of what a counter is told apart by. */
export function axisLength(layout: GatewayMetricsLayout, axis: Axis): number {
  if (axis === 'once') return 1;
  return layout[axis].length + (axis === 'routes' ? 1 : 0);
}

/** Their names, which stay the same over revisions. */
export function axisNames(layout: GatewayMetricsLayout, axis: Axis): readonly string[] {
  if (axis === 'once') return [''];
  if (axis === 'routes') return ['', ...layout.routes];
  if (axis !== 'endpoints') return layout[axis];
  return layout.endpoints.map(
    ({ service, region, endpoint }) => `${service} ${region} ${endpoint}`,
  );
}

/** Whether counters of the one layout can go on under the other. */
export function isSameLayout(a: GatewayMetricsLayout, b: GatewayMetricsLayout): boolean {
  return (Object.keys(a) as (keyof GatewayMetricsLayout)[]).every((axis) => {
    const names = axisNames(b, axis);
    const own = axisNames(a, axis);
    return own.length === names.length && own.every((name, index) => name === names[index]);
  });
}
