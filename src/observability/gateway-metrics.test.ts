import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { exposeGateway } from './expose-gateway.ts';
import { Exposition } from './exposition.ts';
import type { GatewayMetricsLayout } from './gateway-layout.ts';
import { GatewayMetrics } from './gateway-metrics.ts';

const layout: GatewayMetricsLayout = {
  routes: ['rates', 'convert'],
  regions: ['us-east-1', 'eu-west-1'],
  listeners: ['http', 'https', 'link', 'partners'],
  services: ['a', 'b'],
  endpoints: [
    { service: 'a', region: 'eu-west-1', endpoint: '10.0.0.1:80' },
    { service: 'b', region: 'eu-west-1', endpoint: 'b:81' },
  ],
  problems: ['overloaded', 'body_too_large'],
};

const figures = (route: number, status: number, durationMs: number, service = -1) => ({
  ...{ route, status, durationMs, service },
  bytesIn: 10,
  bytesOut: 100,
});

/** Samples by name and labels. */
function samplesOf(threads: readonly GatewayMetrics[]): Map<string, number> {
  const exposition = new Exposition();
  exposeGateway(exposition, threads);
  const lines = exposition.text().split('\n');
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

test('the threads of a node are summed, by route, class, status and region', () => {
  const first = new GatewayMetrics(layout);
  const second = new GatewayMetrics(layout);
  first.request(figures(0, 200, 3));
  second.request(figures(0, 204, 4));
  second.request(figures(0, 503, 800));
  second.request(figures(-1, 404, 0.1));
  first.relayed(1);
  second.relayed(1);
  for (const metrics of [first, second]) {
    metrics.bytesIn(100);
    metrics.bytesOut(1_000);
    metrics.retried(0);
    metrics.retryWithheld(1, 'budget');
    metrics.ejected(1);
    metrics.failure(1, 'connect');
    metrics.failure(-1, 'timeout');
    metrics.refused('overloaded');
    metrics.refused('nobody knows');
    metrics.connectionEnded('idle');
    metrics.asked('2');
  }
  const samples = samplesOf([first, second]);
  const expected = {
    'meridian_gateway_requests_total{route="rates",class="2xx"}': 2,
    'meridian_gateway_requests_total{route="rates",class="5xx"}': 1,
    'meridian_gateway_requests_total{route="-",class="4xx"}': 1,
    'meridian_gateway_responses_total{code="204"}': 1,
    'meridian_gateway_responses_total{code="503"}': 1,
    'meridian_gateway_request_duration_seconds_bucket{route="rates",le="0.005"}': 2,
    'meridian_gateway_request_duration_seconds_count{route="rates"}': 3,
    'meridian_gateway_request_duration_seconds_sum{route="rates"}': 0.807,
    'meridian_gateway_relayed_requests_total{region="us-east-1"}': 0,
    'meridian_gateway_relayed_requests_total{region="eu-west-1"}': 2,
    meridian_gateway_received_bytes_total: 200,
    meridian_gateway_sent_bytes_total: 2_000,
    'meridian_gateway_retries_total{service="a"}': 2,
    'meridian_gateway_retries_withheld_total{service="a",reason="budget"}': 0,
    'meridian_gateway_retries_withheld_total{service="b",reason="attempts"}': 0,
    'meridian_gateway_retries_withheld_total{service="b",reason="budget"}': 2,
    'meridian_endpoint_ejections_total{service="b",region="eu-west-1",endpoint="b:81"}': 2,
    'meridian_endpoint_failures_total{service="b",region="eu-west-1",endpoint="b:81",kind="connect"}': 2,
    'meridian_link_failures_total{kind="timeout"}': 2,
    'meridian_gateway_refusals_total{code="overloaded"}': 2,
    'meridian_gateway_ended_connections_total{cause="idle"}': 2,
    'meridian_gateway_requests_by_version_total{version="2"}': 2,
    'meridian_gateway_requests_by_version_total{version="1.1"}': 0,
    'meridian_gateway_request_bytes_total{route="rates"}': 30,
    'meridian_gateway_response_bytes_total{route="-"}': 100,
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(samples.get(name), value, name);
  }
});

test('routes that nobody asked for are not shown', () => {
  const metrics = new GatewayMetrics(layout);
  metrics.request(figures(0, 200, 1));
  const names = [...samplesOf([metrics]).keys()].join('\n');
  assert.ok(names.includes('rates') && !names.includes('convert'));
});

test('a status outside of HTTP counts nothing, least of all for a neighbour', () => {
  const metrics = new GatewayMetrics(layout);
  for (const status of [0, 99, 600, 70_000]) metrics.request(figures(1, status, 1));
  assert.ok(metrics.block.words.every((word) => word === 0));
});

test('open connections are those opened and not closed; a dead thread has none', () => {
  const metrics = new GatewayMetrics(layout);
  metrics.connectionOpened('http');
  metrics.connectionOpened('http');
  metrics.connectionOpened('link');
  metrics.connectionClosed('http');
  const open = (threads: GatewayMetrics[], listener: string) =>
    samplesOf(threads).get(`meridian_gateway_open_connections{listener="${listener}"}`);
  assert.deepEqual([open([metrics], 'http'), open([metrics], 'link')], [1, 1]);
  const successor = new GatewayMetrics(layout, metrics.buffer);
  assert.deepEqual([open([successor], 'http'), open([successor], 'link')], [0, 0]);
  const accepted = 'meridian_gateway_accepted_connections_total{listener="http"}';
  assert.equal(samplesOf([successor]).get(accepted), 2);
});

test('another thread writes, this one reads', async () => {
  const metrics = new GatewayMetrics(layout);
  const module = new URL('./gateway-metrics.ts', import.meta.url).href;
  const writer = new Worker(
    `import { workerData } from 'node:worker_threads';
     import { GatewayMetrics } from ${JSON.stringify(module)};
     const metrics = new GatewayMetrics(workerData.layout, workerData.buffer);
     for (let n = 0; n < 1000; n++) metrics.request({ route: 1, service: -1, status: 200, durationMs: 2, bytesIn: 0, bytesOut: 0 });`,
    { eval: true, workerData: { layout, buffer: metrics.buffer } },
  );
  await new Promise((resolve, reject) => writer.on('exit', resolve).on('error', reject));
  const name = 'meridian_gateway_requests_total{route="convert",class="2xx"}';
  assert.equal(samplesOf([metrics]).get(name), 1_000);
});

test('services and endpoints have histograms of their own, and what nobody used is not shown', () => {
  const metrics = new GatewayMetrics(layout);
  metrics.request(figures(0, 200, 3, 1));
  metrics.response(0, 200, 0.6);
  metrics.response(0, 502, 70_000);
  const samples = samplesOf([metrics]);
  const endpoint = 'service="a",region="eu-west-1",endpoint="10.0.0.1:80"';
  assert.equal(samples.get('meridian_service_requests_total{service="b",class="2xx"}'), 1);
  const bucket = (le: string) =>
    samples.get(`meridian_service_request_duration_seconds_bucket{service="b",le="${le}"}`);
  assert.deepEqual([bucket('0.003'), bucket('0.004')], [0, 1]);
  assert.equal(samples.get(`meridian_endpoint_responses_total{${endpoint},class="5xx"}`), 1);
  const seconds = 'meridian_endpoint_response_seconds';
  assert.equal(samples.get(`${seconds}_bucket{${endpoint},le="0.001"}`), 1);
  assert.equal(samples.get(`${seconds}_bucket{${endpoint},le="65.536"}`), 1);
  assert.equal(samples.get(`${seconds}_count{${endpoint}}`), 2);
  assert.ok(![...samples.keys()].some((name) => /service="a",class/.test(name)));
});

test('counts go over by names, whatever has come, gone or moved', () => {
  const before = new GatewayMetrics(layout);
  before.request(figures(1, 200, 1, 1));
  before.response(1, 200, 1);
  before.connectionOpened('partners');
  before.refused('body_too_large');
  const after = new GatewayMetrics({
    ...layout,
    routes: ['convert'],
    services: ['b'],
    endpoints: [layout.endpoints[1]!],
    listeners: ['partners', 'http'],
  });
  after.absorb(before);
  after.absorb(before);
  const samples = samplesOf([after]);
  for (const [name, value] of Object.entries({
    'meridian_gateway_requests_total{route="convert",class="2xx"}': 2,
    'meridian_service_requests_total{service="b",class="2xx"}': 2,
    'meridian_endpoint_responses_total{service="b",region="eu-west-1",endpoint="b:81",class="2xx"}': 2,
    'meridian_gateway_accepted_connections_total{listener="partners"}': 2,
    'meridian_gateway_accepted_connections_total{listener="http"}': 0,
    'meridian_gateway_refusals_total{code="body_too_large"}': 2,
  })) {
    assert.equal(samples.get(name), value, name);
  }
});
