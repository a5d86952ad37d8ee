import { CounterBlock, count } from './counter-block.ts';
import type { Exposition, HistogramSeries, Sample } from './exposition.ts';
import { histogramWidth, recordDuration, requestBoundsMs } from './histogram.ts';

/** What the counters are indexed by; the same in every thread of a node. */
export interface GatewayMetricsLayout {
  /** Route names in the order of the configuration. */
  readonly routes: readonly string[];
  /** Region names in the order of the configuration. */
  readonly regions: readonly string[];
}

const listeners = ['http', 'https', 'link'] as const;
export type ListenerName = (typeof listeners)[number];

const statusCodes = 600;
const statusClasses = 5;
/** Label of requests that matched no route; no route can have this name. */
const noRoute = '-';

type CounterName =
  | 'responses'
  | 'opened'
  | 'closed'
  | 'shed'
  | 'received'
  | 'sent'
  | 'retries'
  | 'ejections'
  | 'failures'
  | 'unlogged'
  | 'relayed'
  | 'classes'
  | 'durations';

/** Of the same width in every layout. */
const commonCounters = [
  'responses',
  'opened',
  'closed',
  'shed',
  'received',
  'sent',
  'retries',
  'ejections',
  'failures',
  'unlogged',
] as const satisfies readonly CounterName[];

/** The counters of one gateway thread. Every method is a few writes to shared memory. */
export class GatewayMetrics {
  readonly layout: GatewayMetricsLayout;
  readonly block: CounterBlock<CounterName>;
  readonly #words: Float64Array;
  readonly #classes: number;
  readonly #durations: number;

  /**
   * Without `buffer` new counters, all zero. With the buffer of a thread that ended,
   * counts go on from there; the connections that died with it count as closed.
   */
  constructor(layout: GatewayMetricsLayout, buffer?: SharedArrayBuffer) {
    const routes = layout.routes.length + 1;
    this.layout = layout;
    this.block = new CounterBlock(
      {
        responses: statusCodes,
        opened: listeners.length,
        closed: listeners.length,
        shed: 1,
        received: 1,
        sent: 1,
        retries: 1,
        ejections: 1,
        failures: 1,
        unlogged: 1,
        relayed: layout.regions.length,
        classes: routes * statusClasses,
        durations: routes * histogramWidth(requestBoundsMs),
      },
      buffer,
    );
    this.#words = this.block.words;
    this.#classes = this.block.first('classes');
    this.#durations = this.block.first('durations');
    this.closeConnections();
  }

  get buffer(): SharedArrayBuffer {
    return this.block.buffer;
  }

  /** Adds what another object counted, by names: what only the other knows is left out. */
  absorb(other: GatewayMetrics): void {
    const { words } = this.block;
    const add = (name: CounterName, to: number, from: number, width: number) => {
      const target = this.block.first(name) + to;
      const source = other.block.first(name) + from;
      for (let at = 0; at < width; at++) {
        const value = other.block.words[source + at];
        if (value) count(words, target + at, value);
      }
    };
    for (const name of commonCounters) add(name, 0, 0, this.block.widthOf(name));
    matching(other.layout.regions, this.layout.regions, (from, to) => add('relayed', to, from, 1));
    const width = histogramWidth(requestBoundsMs);
    const routes = (from: number, to: number) => {
      add('classes', to * statusClasses, from * statusClasses, statusClasses);
      add('durations', to * width, from * width, width);
    };
    routes(0, 0);
    matching(other.layout.routes, this.layout.routes, (from, to) => routes(from + 1, to + 1));
  }

  /** Requests answered, and those of them with status 5xx. */
  traffic(): { readonly requests: number; readonly failed: number } {
    const first = this.block.first('responses');
    let requests = 0;
    let failed = 0;
    for (let status = 100; status < statusCodes; status++) {
      const count = this.#words[first + status] ?? 0;
      requests += count;
      if (status >= 500) failed += count;
    }
    return { requests, failed };
  }

  /** The thread that counted here has ended: its connections ended with it. */
  closeConnections(): void {
    const opened = this.block.first('opened');
    this.#words.copyWithin(this.block.first('closed'), opened, opened + listeners.length);
  }

  /** A final response (`status` 200–599) was sent. `routeIndex` -1: no route matched. */
  request(routeIndex: number, status: number, durationMs: number): void {
    if (status < 100 || status >= statusCodes) return;
    const slot = routeIndex + 1;
    const statusClass = Math.floor(status / 100) - 1;
    const durations = this.#durations + slot * histogramWidth(requestBoundsMs);
    count(this.#words, this.block.first('responses') + status);
    count(this.#words, this.#classes + slot * statusClasses + statusClass);
    recordDuration(this.#words, durations, requestBoundsMs, durationMs);
  }

  connectionOpened(listener: ListenerName): void {
    count(this.#words, this.block.first('opened') + listeners.indexOf(listener));
  }

  connectionClosed(listener: ListenerName): void {
    count(this.#words, this.block.first('closed') + listeners.indexOf(listener));
  }

  /** A connection was refused, or closed while it waited for a request, for want of room. */
  connectionShed(): void {
    count(this.#words, this.block.first('shed'));
  }

  /** Bytes read from clients, heads and bodies. */
  bytesIn(bytes: number): void {
    count(this.#words, this.block.first('received'), bytes);
  }

  /** Bytes written to clients, heads and bodies. */
  bytesOut(bytes: number): void {
    count(this.#words, this.block.first('sent'), bytes);
  }

  /** A request was handed to the gateway of another region. */
  relayed(regionIndex: number): void {
    count(this.#words, this.block.first('relayed') + regionIndex);
  }

  /** A request was sent to a further endpoint or region after a failure. */
  retried(): void {
    count(this.#words, this.block.first('retries'));
  }

  /** This thread ejected an endpoint. */
  ejected(): void {
    count(this.#words, this.block.first('ejections'));
  }

  /** One attempt at an endpoint or another region failed. */
  upstreamFailure(): void {
    count(this.#words, this.block.first('failures'));
  }

  /** Lines of the access log were lost. */
  accessLogDropped(lines: number): void {
    count(this.#words, this.block.first('unlogged'), lines);
  }
}

/** Calls back with the indexes of every name that both lists hold. */
function matching(
  from: readonly string[],
  to: readonly string[],
  found: (from: number, to: number) => void,
): void {
  const places = new Map(to.map((name, index) => [name, index]));
  for (const [index, name] of from.entries()) {
    const place = places.get(name);
    if (place !== undefined) found(index, place);
  }
}

/** Writes the sums over the threads of a node. All of `threads` have the same layout. */
export function exposeGateway(exposition: Exposition, threads: readonly GatewayMetrics[]): void {
  const layout = threads[0]?.layout;
  if (!layout) return;
  const sum = (name: CounterName) =>
    CounterBlock.sum(
      threads.map(({ block }) => block),
      name,
    );
  exposeRequests(exposition, [noRoute, ...layout.routes], sum);
  exposeConnections(exposition, sum);
  const total = (name: string, help: string, counter: CounterName) =>
    exposition.counter(`meridian_gateway_${name}_total`, help, [[{}, sum(counter)[0] ?? 0]]);
  total('shed_connections', 'Connections refused or closed for want of room.', 'shed');
  total('received_bytes', 'Bytes read from clients.', 'received');
  total('sent_bytes', 'Bytes written to clients.', 'sent');
  total('retries', 'Requests sent to a further endpoint or region after a failure.', 'retries');
  total('ejections', 'Endpoints ejected after failures of real traffic.', 'ejections');
  total('upstream_failures', 'Failed attempts at an endpoint or another region.', 'failures');
  total('access_log_dropped_lines', 'Lines of the access log that were lost.', 'unlogged');
  exposition.counter(
    'meridian_gateway_relayed_requests_total',
    'Requests handed to the gateway of another region.',
    [...sum('relayed')].map((value, index) => [{ region: layout.regions[index] ?? '' }, value]),
  );
}

type Sum = (name: CounterName) => Float64Array;

/** Only routes and statuses that occurred: a hundred thousand idle routes cost nothing. */
function exposeRequests(exposition: Exposition, routes: readonly string[], sum: Sum): void {
  const classes = sum('classes');
  const durations = sum('durations');
  const width = histogramWidth(requestBoundsMs);
  const requests: Sample[] = [];
  const series: HistogramSeries[] = [];
  for (const [slot, route] of routes.entries()) {
    const byClass = classes.subarray(slot * statusClasses, (slot + 1) * statusClasses);
    if (!byClass.some((value) => value > 0)) continue;
    for (const [index, value] of byClass.entries()) {
      if (value > 0) requests.push([{ route, class: `${index + 1}xx` }, value]);
    }
    series.push([{ route }, durations.subarray(slot * width, (slot + 1) * width)]);
  }
  const responses = [...sum('responses').entries()]
    .filter(([, value]) => value > 0)
    .map(([code, value]): Sample => [{ code: String(code) }, value]);
  exposition.counter(
    'meridian_gateway_requests_total',
    'Requests answered, by route and class of status.',
    requests,
  );
  exposition.counter(
    'meridian_gateway_responses_total',
    'Responses to clients, by status code.',
    responses,
  );
  exposition.histogram(
    'meridian_gateway_request_duration_seconds',
    'Time from the head of a request to the end of its response, by route.',
    requestBoundsMs,
    series,
  );
}

function exposeConnections(exposition: Exposition, sum: Sum): void {
  const opened = sum('opened');
  const closed = sum('closed');
  exposition.counter(
    'meridian_gateway_accepted_connections_total',
    'Connections accepted, by listener.',
    listeners.map((listener, index) => [{ listener }, opened[index] ?? 0]),
  );
  exposition.gauge(
    'meridian_gateway_open_connections',
    'Connections open now, by listener.',
    listeners.map((listener, index) => [
      { listener },
      Math.max(0, (opened[index] ?? 0) - (closed[index] ?? 0)),
    ]),
  );
}
