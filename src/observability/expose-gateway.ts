import { CounterBlock } from './counter-block.ts';
import type { Exposition, HistogramSeries, Labels, Sample } from './exposition.ts';
import { coarsened, fineWidth, halfOctaveBoundsMs, octaveBoundsMs } from './fine-histogram.ts';
import {
  type CounterName,
  closeCauses,
  failureKinds,
  families,
  type GatewayMetricsLayout,
  httpVersions,
  statusClasses,
  withheldReasons,
} from './gateway-layout.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import { requestBoundsMs } from './histogram.ts';

/** Label of requests that matched no route; no route can have this name. */
const noRoute = '-';

type Sum = (name: CounterName) => Float64Array;

/**
 * Writes the sums over the threads of a node, all of the same layout. Only what occurred: a
 * hundred thousand idle routes cost nothing.
 */
export function exposeGateway(exposition: Exposition, threads: readonly GatewayMetrics[]): void {
  const layout = threads[0]?.layout;
  if (!layout) return;
  const blocks = threads.map(({ block }) => block);
  const sum = (name: CounterName) => CounterBlock.sum(blocks, name);
  exposeRoutes(exposition, layout, sum);
  exposeServices(exposition, layout, sum);
  exposeEndpoints(exposition, layout, sum);
  exposeConnections(exposition, layout, sum);
  exposeTotals(exposition, layout, sum);
}

function exposeRoutes(exposition: Exposition, { routes }: GatewayMetricsLayout, sum: Sum): void {
  const requests: Sample[] = [];
  const received: Sample[] = [];
  const sent: Sample[] = [];
  const series: HistogramSeries[] = [];
  for (const [words, route] of busy(sum('routes'), families.routes.width, [noRoute, ...routes])) {
    requests.push(...byClass({ route }, words));
    received.push([{ route }, words[statusClasses]!]);
    sent.push([{ route }, words[statusClasses + 1]!]);
    series.push([{ route }, words.subarray(statusClasses + 2)]);
  }
  const responses = [...sum('responses').entries()]
    .filter(([, value]) => value > 0)
    .map(([code, value]): Sample => [{ code: String(code) }, value]);
  const gateway = (name: string) => `meridian_gateway_${name}`;
  exposition.counter(
    gateway('requests_total'),
    'Requests answered, by route and class of status.',
    requests,
  );
  exposition.counter(
    gateway('responses_total'),
    'Responses to clients, by status code.',
    responses,
  );
  exposition.counter(
    gateway('request_bytes_total'),
    'Bytes of requests, heads and content, by route.',
    received,
  );
  exposition.counter(
    gateway('response_bytes_total'),
    'Bytes of responses, heads and framing included, by route.',
    sent,
  );
  exposition.histogram(
    gateway('request_duration_seconds'),
    'Time from the head of a request to the end of its response, by route.',
    requestBoundsMs,
    series,
  );
}

function exposeServices(exposition: Exposition, { services }: GatewayMetricsLayout, sum: Sum) {
  const requests: Sample[] = [];
  const series: HistogramSeries[] = [];
  for (const [words, service] of busy(sum('services'), families.services.width, services)) {
    requests.push(...byClass({ service }, words));
    series.push([{ service }, fine(words, halfOctaveBoundsMs)]);
  }
  exposition.counter(
    'meridian_service_requests_total',
    'Requests for a service, by class of the status that the client got.',
    requests,
  );
  exposition.histogram(
    'meridian_service_request_duration_seconds',
    'Time from the head of a request to the end of its response, by service.',
    halfOctaveBoundsMs,
    series,
  );
  exposition.counter(
    'meridian_gateway_retries_total',
    'Requests sent to a further endpoint or region after a failure, by service.',
    [...sum('retries')].map((value, index) => [{ service: services[index]! }, value]),
  );
  exposition.counter(
    'meridian_gateway_retries_withheld_total',
    'Requests not sent again because of the bound on attempts or the budget, by service.',
    [...sum('withheld')].map((value, index) => [
      {
        service: services[Math.floor(index / withheldReasons.length)]!,
        reason: withheldReasons[index % withheldReasons.length]!,
      },
      value,
    ]),
  );
}

function exposeEndpoints(exposition: Exposition, { endpoints }: GatewayMetricsLayout, sum: Sum) {
  const responses: Sample[] = [];
  const series: HistogramSeries[] = [];
  for (const [words, labels] of busy(sum('endpoints'), families.endpoints.width, endpoints)) {
    responses.push(...byClass({ ...labels }, words));
    series.push([{ ...labels }, fine(words, octaveBoundsMs)]);
  }
  exposition.counter(
    'meridian_endpoint_responses_total',
    'Responses of an endpoint, by class of status.',
    responses,
  );
  exposition.histogram(
    'meridian_endpoint_response_seconds',
    'Time from the start of an attempt to the head of the response, by endpoint.',
    octaveBoundsMs,
    series,
  );
  exposeFailures(exposition, endpoints, sum);
}

function exposeFailures(
  exposition: Exposition,
  endpoints: GatewayMetricsLayout['endpoints'],
  sum: Sum,
): void {
  const failures = [...busy(sum('failures'), failureKinds.length, endpoints)].flatMap(
    ([words, labels]) =>
      [...words.entries()]
        .filter(([, value]) => value > 0)
        .map(([kind, value]): Sample => [{ ...labels, kind: failureKinds[kind]! }, value]),
  );
  const ejections = [...busy(sum('ejections'), 1, endpoints)].map(
    ([words, labels]): Sample => [{ ...labels }, words[0]!],
  );
  exposition.counter(
    'meridian_endpoint_failures_total',
    'Attempts at an endpoint that brought no valid response, by kind.',
    failures,
  );
  exposition.counter(
    'meridian_endpoint_ejections_total',
    'How often this node ejected an endpoint after failures of real traffic.',
    ejections,
  );
  exposition.counter(
    'meridian_link_failures_total',
    'Attempts at another region that brought no valid response, by kind.',
    [...sum('linkFailures')].map((value, kind) => [{ kind: failureKinds[kind]! }, value]),
  );
}

function exposeConnections(exposition: Exposition, { listeners }: GatewayMetricsLayout, sum: Sum) {
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
  exposition.counter(
    'meridian_gateway_ended_connections_total',
    'Connections, and streams of HTTP/2, that the gateway ended because of a limit, by which it was.',
    [...sum('causes')].map((value, index) => [{ cause: closeCauses[index]! }, value]),
  );
}

function exposeTotals(exposition: Exposition, layout: GatewayMetricsLayout, sum: Sum): void {
  const total = (name: string, help: string, counter: CounterName) =>
    exposition.counter(`meridian_gateway_${name}_total`, help, [[{}, sum(counter)[0] ?? 0]]);
  exposition.counter(
    'meridian_gateway_requests_by_version_total',
    'Requests answered, by the version of HTTP that the client spoke.',
    [...sum('versions')].map((value, index) => [{ version: httpVersions[index]! }, value]),
  );
  total('shed_connections', 'Connections refused or closed for want of room.', 'shed');
  total('received_bytes', 'Bytes read from clients.', 'received');
  total('sent_bytes', 'Bytes written to clients.', 'sent');
  total('access_log_dropped_lines', 'Lines of the access log that were lost.', 'unlogged');
  exposition.counter(
    'meridian_gateway_refusals_total',
    'Requests that the gateway answered by itself with a problem, by its code.',
    [...sum('refusals')]
      .map((value, index): Sample => [{ code: layout.problems[index]! }, value])
      .filter(([, value]) => value > 0),
  );
  exposition.counter(
    'meridian_gateway_relayed_requests_total',
    'Requests handed to the gateway of another region.',
    [...sum('relayed')].map((value, index) => [{ region: layout.regions[index] ?? '' }, value]),
  );
}

/** The words of each that has counted something, with what it is. */
function* busy<Of>(
  words: Float64Array,
  width: number,
  all: readonly Of[],
): Iterable<readonly [words: Float64Array, of: Of]> {
  for (const [index, of] of all.entries()) {
    const own = words.subarray(index * width, (index + 1) * width);
    if (own.some((value) => value > 0)) yield [own, of];
  }
}

function byClass(labels: Labels, words: Float64Array): Sample[] {
  const samples: Sample[] = [];
  for (let index = 0; index < statusClasses; index++) {
    const value = words[index]!;
    if (value > 0) samples.push([{ ...labels, class: `${index + 1}xx` }, value]);
  }
  return samples;
}

/** Behind the classes of status stands a fine histogram. */
function fine(words: Float64Array, bounds: readonly number[]): Float64Array {
  return coarsened(words.subarray(statusClasses, statusClasses + fineWidth), bounds);
}
