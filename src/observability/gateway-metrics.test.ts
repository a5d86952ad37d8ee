import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Exposition } from './exposition.ts';
import { exposeGateway, GatewayMetrics } from './gateway-metrics.ts';

const layout = { routes: ['rates', 'convert'], regions: ['us-east-1', 'eu-west-1'] };

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
  first.request(0, 200, 3);
  second.request(0, 204, 4);
  second.request(0, 503, 800);
  second.request(-1, 404, 0.1);
  first.relayed(1);
  second.relayed(1);
  for (const metrics of [first, second]) {
    metrics.bytesIn(100);
    metrics.bytesOut(1_000);
    metrics.retried();
    metrics.ejected();
    metrics.upstreamFailure();
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
    meridian_gateway_retries_total: 2,
    meridian_gateway_ejections_total: 2,
    meridian_gateway_upstream_failures_total: 2,
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(samples.get(name), value, name);
  }
});

test('routes that nobody asked for are not shown', () => {
  const metrics = new GatewayMetrics(layout);
  metrics.request(0, 200, 1);
  const names = [...samplesOf([metrics]).keys()].join('\n');
  assert.ok(names.includes('rates') && !names.includes('convert'));
});

test('a status outside of HTTP counts nothing, least of all for a neighbour', () => {
  const metrics = new GatewayMetrics(layout);
  for (const status of [0, 99, 600, 70_000]) metrics.request(1, status, 1);
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
     for (let n = 0; n < 1000; n++) metrics.request(1, 200, 2);`,
    { eval: true, workerData: { layout, buffer: metrics.buffer } },
  );
  await new Promise((resolve, reject) => writer.on('exit', resolve).on('error', reject));
  const name = 'meridian_gateway_requests_total{route="convert",class="2xx"}';
  assert.equal(samplesOf([metrics]).get(name), 1_000);
});
