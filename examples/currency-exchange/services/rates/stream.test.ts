import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fairTimer } from '../../../../test/support/fair-time.ts';
import type { Call } from '../http/api.ts';
import { ManualFeed, tableOf } from '../testing/manual-feed.ts';
import { RunningService, until } from '../testing/running-service.ts';
import { createRates } from './rates.ts';
import { Streams } from './streams.ts';

const table = (second: number) =>
  tableOf('USD', { EUR: '0.8', JPY: String(100 + second) }, second * 1_000);

async function start(t: TestContext) {
  const feed = new ManualFeed(table(1));
  const idle = feed.listeners;
  const service = await RunningService.start(createRates, feed);
  t.after(() => service.close());
  return { feed, service, ownListeners: feed.listeners - idle };
}

/** An open stream with the text that came so far. */
async function open(service: RunningService, path: string) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(service.url(path), { agent: false }, resolve).on('error', reject);
  });
  const seen = { response, text: '', ended: false };
  response.setEncoding('utf8').on('data', (part: string) => {
    seen.text += part;
  });
  response.on('end', () => {
    seen.ended = true;
  });
  response.on('error', () => {});
  return seen;
}

const eventsOf = (text: string) =>
  [...text.matchAll(/event: (\w+)\nid: (\d+)\ndata: (.*)\n\n/g)].map(([, event, id, data]) => ({
    event,
    id: Number(id),
    data: JSON.parse(data!) as Record<string, unknown>,
  }));

test('a stream gives the rates now and then every new table', async (t) => {
  const { feed, service } = await start(t);
  const stream = await open(service, '/v1/stream?base=USD&symbols=JPY');
  assert.equal(stream.response.statusCode, 200);
  assert.equal(stream.response.headers['content-type'], 'text/event-stream');
  await until('the first event came', () => eventsOf(stream.text).length === 1);
  feed.publish(table(2));
  feed.publish(table(3));
  await until('three events came', () => eventsOf(stream.text).length === 3);
  const events = eventsOf(stream.text);
  assert.deepEqual(
    events.map(({ event, id, data }) => [event, id, data.rates]),
    [
      ['rates', 1_000, { JPY: '101.0000000000' }],
      ['rates', 2_000, { JPY: '102.0000000000' }],
      ['rates', 3_000, { JPY: '103.0000000000' }],
    ],
  );
  assert.deepEqual(Object.keys(events[1]!.data), [
    ...['region', 'source', 'asOf', 'ageSeconds', 'base', 'rates'],
  ]);
  assert.equal(events[1]!.data.region, 'test-1');
  assert.equal(events[1]!.data.source, 'a test');
  assert.match(stream.text, /^retry: 1000\n\n/);
  stream.response.destroy();
});

test('a client that leaves is forgotten', async (t) => {
  const { feed, service, ownListeners } = await start(t);
  const streams = await Promise.all(Array.from({ length: 5 }, () => open(service, '/v1/stream')));
  assert.equal(feed.listeners, ownListeners + 5);
  for (const { response } of streams) response.destroy();
  await until('nobody listens', () => feed.listeners === ownListeners);
});

test('HEAD ends at once, so that the next request on its connection is answered', async (t) => {
  const { feed, service, ownListeners } = await start(t);
  const socket = connect(service.server.port, '127.0.0.1');
  t.after(() => socket.destroy());
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  socket.write('HEAD /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2));
  await until('both are answered', () => text.match(/HTTP\/1\.1 200 OK/g)?.length === 2);
  assert.doesNotMatch(text, /event:/);
  await until('nobody listens', () => feed.listeners === ownListeners);
});

test('streams are limited; one that ends makes room', async (t) => {
  const streams = new Streams(2);
  const run = ({ response }: Call): undefined => void streams.open(response);
  const create = () => ({
    resources: { '/': { GET: { fields: [], run } } },
    close: () => streams.close(),
  });
  const service = await RunningService.start(create, new ManualFeed());
  t.after(() => service.close());
  const first = await open(service, '/');
  await open(service, '/');
  const { headers } = await service.problem(503, 'too_many_streams', '/');
  assert.equal(headers.get('retry-after'), '5');
  first.response.destroy();
  let status = 503;
  while (status === 503) status = (await open(service, '/')).response.statusCode!;
  assert.equal(status, 200);
});

test('a currency that is no longer quoted leaves the events, not the stream', async (t) => {
  const { feed, service } = await start(t);
  const stream = await open(service, '/v1/stream?base=EUR&symbols=USD,JPY');
  feed.publish(tableOf('USD', { EUR: '0.8' }, 2_000));
  feed.publish(tableOf('USD', { JPY: '150' }, 3_000));
  await until('three events came', () => eventsOf(stream.text).length === 3);
  assert.deepEqual(
    eventsOf(stream.text).map(({ data }) => Object.keys(data.rates as object)),
    [['USD', 'JPY'], ['USD'], []],
  );
  stream.response.destroy();
});

test('streams end when the service closes', async () => {
  const feed = new ManualFeed(table(1));
  const service = await RunningService.start(createRates, feed);
  const stream = await open(service, '/v1/stream');
  const tookMs = fairTimer();
  await service.close();
  await until('the stream ended', () => stream.ended);
  assert.ok(tookMs() < 2_500, 'without waiting for the grace period, 3 s');
  assert.equal(feed.listeners, 0);
});
