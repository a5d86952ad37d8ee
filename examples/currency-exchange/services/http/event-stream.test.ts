import assert from 'node:assert/strict';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { until } from '../testing/running-service.ts';
import { EventStream, type EventStreamOptions } from './event-stream.ts';

/** A stream of events to a client that reads when it is told to. */
async function start(t: TestContext, options: EventStreamOptions) {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  const server = createServer((_request, response) => resolve(response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const client = new Promise<IncomingMessage>((answered) => {
    get({ host: '127.0.0.1', port, agent: false }, answered);
  });
  const response = await promise;
  const stream = new EventStream(response, options);
  const incoming = await client;
  incoming.on('error', () => {});
  return { stream, response, incoming };
}

test('comments keep a quiet stream alive until it is closed', async (t) => {
  const { stream, incoming } = await start(t, { heartbeatMs: 10, stallMs: 60_000 });
  let text = '';
  incoming.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await until('three came', () => text.startsWith(': heartbeat\n\n'.repeat(3)));
  incoming.destroy();
  await until('it is closed', () => stream.closed.aborted);
  assert.equal(stream.send('late', 1, {}), false);
});

test('a slow client misses events, and never makes us hold more than a buffer and one', async (t) => {
  const { stream, response, incoming } = await start(t, { heartbeatMs: 60_000, stallMs: 60_000 });
  const padding = 'x'.repeat(10_000);
  let [sent, left] = [0, 0];
  for (let id = 0; id < 5_000; id++) {
    if (stream.send('rates', id, { padding })) sent++;
    else left++;
    assert.ok(response.writableLength < 100_000, `${response.writableLength} bytes are held`);
    if (id % 100 === 0) await new Promise(setImmediate);
  }
  assert.ok(sent > 0 && left > 1_000, `${sent} sent, ${left} left out`);

  let text = '';
  incoming.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await until('it takes events again', () => stream.send('newest', 1, {}));
  await until('the newest came', () => text.includes('event: newest'));
  assert.equal(text.match(/^event: rates$/gm)?.length, sent, 'what was sent arrived');
  incoming.destroy();
});

test('a client that takes nothing for too long is cut off', async (t) => {
  const { stream, incoming } = await start(t, { heartbeatMs: 60_000, stallMs: 50 });
  incoming.pause();
  const padding = 'x'.repeat(100_000);
  await until('the buffers are full', () => !stream.send('rates', 1, { padding }));
  await until('it is cut off', () => stream.closed.aborted);
});
