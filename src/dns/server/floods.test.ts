import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { eventually } from '../../../test/support/eventually.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { frame } from '../client/tcp.ts';
import { createExchange } from '../testdata/exchange.ts';
import { rawQuery } from '../testdata/raw-query.ts';
import type { TcpLimits } from './connections.ts';
import { createDnsServer } from './server.ts';

const host = '127.0.0.1';
const query = rawQuery({ name: 'static.exchange.test' });

async function start(t: TestContext, tcp?: TcpLimits) {
  const { options } = createExchange();
  const metrics = new DnsMetrics();
  const shared = { host, port: 0, reusePort: false, metrics, ...(tcp && { tcp }) };
  const server = await createDnsServer({ ...options, ...shared });
  t.after(() => server.close());
  return { port: server.port, metrics };
}

async function open(t: TestContext, port: number, localAddress = host): Promise<Socket> {
  const socket = connect({ port, host, localAddress });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket): Promise<void> {
  socket.write(frame(query));
  await once(socket, 'data');
}

test('one address has so many connections: its own idlest makes room, those of others stay', async (t) => {
  const limits = { connections: 10, perSource: 2, idleMs: 60_000, crowdedIdleMs: 60_000 };
  const { port } = await start(t, limits);
  const other = await open(t, port, '127.0.0.2');
  await ask(other);
  const [first, second] = [await open(t, port), await open(t, port)];
  await ask(first);
  await ask(second);
  await ask(first);
  for (const left of [second, first]) {
    const next = await open(t, port);
    await once(left.resume(), 'close');
    await ask(next);
  }
  await ask(other);
});

/** Sends as fast as it can, until it is terminated. */
const flooder = `
  const { workerData: { port, query } } = require('node:worker_threads');
  const socket = require('node:dgram').createSocket('udp4');
  const bytes = Buffer.from(query);
  const round = () => {
    for (let count = 0; count < 100; count++) socket.send(bytes, port, '127.0.0.1');
    setImmediate(round);
  };
  round();
`;

test('a flood over UDP leaves TCP its turns', async (t) => {
  const { port, metrics } = await start(t);
  const worker = new Worker(flooder, { eval: true, workerData: { port, query } });
  t.after(() => worker.terminate());
  await once(worker, 'online');
  const answered = () => metrics.block.words[metrics.block.first('queries')]!;
  await eventually('the flood', () => answered() > 0);
  const before = answered();
  // A machine that is busy otherwise floods more slowly.
  for (let count = 0; count < 15 || (answered() - before <= 500 && count < 1_000); count++) {
    const socket = await open(t, port);
    for (let times = 0; times < 4; times++) await ask(socket);
    socket.destroy();
  }
  assert.ok(answered() - before > 500, `${answered() - before} over UDP meanwhile`);
});
