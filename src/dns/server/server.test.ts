import assert from 'node:assert/strict';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { freePort } from '../../../test/support/free-ports.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { frame } from '../client/tcp.ts';
import { createExchange, oracle } from '../testdata/exchange.ts';
import { createPatientClient } from '../testdata/patient-client.ts';
import { decodeMessage } from '../wire/message.ts';
import { createDnsServer, type DnsServerOptions } from './server.ts';

type Overrides = Partial<Pick<DnsServerOptions, 'port' | 'tcp' | 'reusePort' | 'clock'>>;

async function start(t: TestContext, overrides: Overrides = {}) {
  const exchange = createExchange();
  const metrics = new DnsMetrics();
  const server = await createDnsServer({
    ...exchange.options,
    host: '127.0.0.1',
    port: 0,
    reusePort: false,
    metrics,
    ...overrides,
  });
  t.after(() => server.close());
  const client = createPatientClient({ server: '127.0.0.1', port: server.port });
  t.after(() => client.close());
  const next = (zones: Parameters<typeof createExchange>[0]) => ({
    ...createExchange(zones).options,
    host: '127.0.0.1',
    port: server.port,
  });
  return { exchange, metrics, server, client, next };
}

async function tcp(t: TestContext, port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect(port, host);
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** The first `count` messages that come over TCP. */
async function messages(socket: Socket, count: number): Promise<Buffer[]> {
  const found: Buffer[] = [];
  let received = Buffer.alloc(0);
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    received = Buffer.concat([received, chunk as Buffer]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      found.push(received.subarray(2, end));
      received = received.subarray(end);
    }
    if (found.length >= count) break;
  }
  return found;
}

/** Resolves when the peer has closed; drops what still comes. */
async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

const late = { name: 'late.test', type: 'A' } as const;
const lateZone = { records: [{ name: '@', type: 'A' as const, values: ['192.0.2.200'] }] };

const query = (name: string, type = 'A', id = 1) =>
  oracle.encode({ id, type: 'query', questions: [{ name: `${name}.exchange.test`, type }] });

test('UDP and TCP on one port; a truncated answer is had whole over TCP', async (t) => {
  const { client } = await start(t);
  const near = await client.lookup({ name: 'rates.exchange.test', type: 'A', subnet: '1.1.1.1' });
  assert.deepEqual(
    near.answers.map(({ data }) => data),
    ['127.0.3.1'],
  );
  assert.deepEqual([near.rcode, near.transport, near.ecsScope], ['NOERROR', 'udp', 24]);
  const big = await client.lookup({ name: 'big.exchange.test', type: 'TXT' });
  assert.deepEqual([big.transport, big.answers.length], ['tcp', 60]);
});

test('over TCP: pipelined, in single bytes, and split anywhere', async (t) => {
  const { server } = await start(t);
  const socket = await tcp(t, server.port);
  const names = ['static', 'nope', 'big', 'rates'];
  const all = Buffer.concat(names.map((name, id) => frame(query(name, 'TXT', id))));
  socket.setNoDelay(true);
  socket.write(all);
  for (const byte of all) socket.write(Buffer.of(byte));
  socket.write(all.subarray(0, 50));
  const first = await messages(socket, 8);
  socket.write(all.subarray(50));
  const replies = [...first, ...(await messages(socket, 12 - first.length))];
  assert.deepEqual(
    replies.map((bytes) => decodeMessage(bytes).id),
    [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3],
  );
  assert.equal(decodeMessage(replies[10]!).answers.length, 60);
});

test('70,000 bytes over TCP cannot be one message: FORMERR or close, and the server lives', async (t) => {
  const { server, client } = await start(t);
  const socket = await tcp(t, server.port);
  const long = Buffer.alloc(70_000, 0x20);
  long.writeUInt16BE(65_535, 0);
  query('static').copy(long, 2);
  socket.write(long);
  const [reply] = await messages(socket, 1);
  assert.equal(decodeMessage(reply!).rcode, 1);
  socket.end();
  await closed(socket);
  const answer = await client.lookup({ name: 'static.exchange.test', type: 'A', transport: 'tcp' });
  assert.equal(answer.answers.length, 2);
});

test('over TCP nobody who sends no query is kept', async (t) => {
  const { server } = await start(t);
  const response = query('static');
  response[2] = 0x80;
  for (const bytes of [Buffer.of(0, 0), Buffer.of(0, 11), frame(response)]) {
    const socket = await tcp(t, server.port);
    socket.write(bytes);
    await closed(socket);
  }
});

test('a client that reads late gets all its 20 MB of answers, in order', async (t) => {
  const { server } = await start(t);
  const socket = await tcp(t, server.port);
  socket.pause();
  for (let id = 0; id < 3_000; id++) socket.write(frame(query('big', 'TXT', id)));
  socket.once('drain', () => socket.resume());
  const replies = await messages(socket, 3_000);
  assert.ok(replies.every((bytes, index) => bytes.readUInt16BE(0) === index));
  assert.equal(decodeMessage(replies[2_999]!).answers.length, 60);
});

/** One query and its response over a connection that stands. */
async function askOver(socket: Socket): Promise<void> {
  socket.write(frame(query('static')));
  assert.equal((await messages(socket, 1)).length, 1);
}

test('idle connections are closed after 37 s, busy ones not; dripping bytes is idle', async (t) => {
  const clock = new ManualClock();
  const { server } = await start(t, { clock });
  const idle = await tcp(t, server.port);
  const dripping = await tcp(t, server.port);
  const busy = await tcp(t, server.port);
  for (const socket of [idle, dripping]) socket.resume();
  const bytes = frame(query('static'));
  await askOver(busy);
  for (let second = 1; second <= 36; second++) {
    if (second < bytes.length) dripping.write(bytes.subarray(second - 1, second));
    clock.advance(1_000);
    await askOver(busy);
  }
  assert.deepEqual([idle.closed, dripping.closed], [false, false]);
  clock.advance(2_000);
  await Promise.all([closed(idle), closed(dripping)]);
  await askOver(busy);
});

test('when more than half of the connections are in use, idle ones go sooner', async (t) => {
  const clock = new ManualClock();
  const tcpLimits = { connections: 2, perSource: 2, idleMs: 37_000, crowdedIdleMs: 10_000 };
  const { server } = await start(t, { clock, tcp: tcpLimits });
  const alone = await tcp(t, server.port);
  await askOver(alone);
  clock.advance(11_000);
  await askOver(alone);
  const second = await tcp(t, server.port);
  await askOver(second);
  clock.advance(11_000);
  await Promise.all([closed(alone), closed(second)]);
});

test('at the limit of connections the one that was idle for longest makes room', async (t) => {
  const limits = { connections: 3, perSource: 3, idleMs: 60_000, crowdedIdleMs: 60_000 };
  const { server } = await start(t, { tcp: limits });
  const sockets: Socket[] = [];
  for (let count = 0; count < 3; count++) {
    const socket = await tcp(t, server.port);
    await askOver(socket);
    sockets.push(socket);
  }
  await askOver(sockets[0]!);
  const fourth = await tcp(t, server.port);
  await closed(sockets[1]!);
  for (const socket of [sockets[0]!, sockets[2]!, fourth]) await askOver(socket);
});

/** A port that is taken for UDP, and for TCP is not. */
async function holdUdp(t: TestContext, address: string): Promise<number> {
  const port = await freePort(address);
  const holder = createSocket('udp4').bind(port, address);
  await once(holder, 'listening');
  t.after(() => holder.close());
  return port;
}

async function udp(t: TestContext, port: number): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

test('over UDP: garbage gets FORMERR or nothing, and the next query its answer', async (t) => {
  const { server } = await start(t);
  const socket = await udp(t, server.port);
  const response = query('static', 'A', 77);
  response[2] = 0x80;
  const ids: number[] = [];
  const rcodes: number[] = [];
  const done = new Promise<void>((resolve) => {
    socket.on('message', (bytes) => {
      const { id, rcode } = decodeMessage(bytes);
      ids.push(id);
      rcodes.push(rcode);
      if (id === 3) resolve();
    });
  });
  const loop = query('static', 'A', 2);
  loop.writeUInt16BE(0xc00c, 12);
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(11), response, loop.subarray(0, 18)])
    socket.send(bytes);
  socket.send(query('static', 'A', 2).subarray(0, 20));
  socket.send(query('static', 'A', 3));
  await done;
  assert.deepEqual(
    [ids, rcodes],
    [
      [2, 2, 3],
      [1, 1, 0],
    ],
  );
});

test('askers that are gone before their answer comes do no harm', async (t) => {
  const { server, client } = await start(t);
  for (let count = 0; count < 50; count++) {
    const socket = createSocket('udp4');
    socket.send(query('static'), server.port, '127.0.0.1', () => socket.close());
  }
  for (let count = 0; count < 20; count++) {
    const answer = await client.lookup({ name: 'static.exchange.test', type: 'A' });
    assert.equal(answer.answers.length, 2);
  }
});

test('200 questions at once, each with its own answer', async (t) => {
  const { client } = await start(t);
  const lookups = Array.from({ length: 200 }, (_, i) => {
    const subnet = i % 2 === 0 ? '81.2.0.0/16' : '1.1.1.0/24';
    return client.lookup({ name: 'rates.exchange.test', type: 'A', subnet });
  });
  const answers = await Promise.all(lookups);
  assert.deepEqual(
    answers.map(({ answers: [first] }) => first?.data),
    answers.map((_, i) => (i % 2 === 0 ? '127.0.2.1' : '127.0.3.1')),
  );
});

test('a commit swaps the zones and keeps sockets and connections', async (t) => {
  const { server, client, next } = await start(t);
  const socket = await tcp(t, server.port);
  const prepared = await server.prepare(next({ 'late.test': lateZone }));
  assert.equal((await client.lookup(late)).rcode, 'REFUSED', 'prepared is not yet served');
  prepared.commit();
  assert.equal((await client.lookup(late)).answers[0]?.data, '192.0.2.200');
  prepared.abandon();
  prepared.commit();
  assert.equal((await client.lookup(late)).answers[0]?.data, '192.0.2.200');
  await askOver(socket);
  assert.equal(socket.readableEnded, false);
});

test('what cannot be prepared, is abandoned or was overtaken changes nothing', async (t) => {
  const { server, client, next } = await start(t);
  const taken = await holdUdp(t, '127.0.0.2');
  const late1 = next({ 'late.test': lateZone });
  await assert.rejects(
    server.prepare(next({ 'late.test': { records: [{ name: 'x', type: 'A' }] } })),
    { code: 'bad_zone' },
  );
  await assert.rejects(server.prepare({ ...late1, host: '127.0.0.2', port: taken }), {
    code: 'address_in_use',
    message: new RegExp(`127\\.0\\.0\\.2:${taken} \\(UDP\\)`),
  });
  (await server.prepare(late1)).abandon();
  const overtaken = await server.prepare({ ...late1, host: '127.0.0.2', port: 0 });
  await server.prepare(next({}));
  overtaken.commit();
  assert.equal((await client.lookup(late)).rcode, 'REFUSED');
});

test('another address: bound before the commit, and the old one is left gently', async (t) => {
  const port = await freePort('127.0.0.1', '127.0.0.2');
  const { server, client, next } = await start(t, { port });
  const moved = { ...next({ 'late.test': lateZone }), host: '127.0.0.2' };
  const idle = await tcp(t, port);
  const busy = await tcp(t, port);
  const half = frame(query('static')).subarray(0, 9);
  busy.write(half);
  await askOver(idle);
  const prepared = await server.prepare({ ...moved, port });
  const there = createPatientClient({ server: '127.0.0.2', port });
  t.after(() => there.close());
  assert.equal((await there.lookup(late)).rcode, 'REFUSED', 'it answers, from the old zones');
  prepared.commit();
  assert.equal((await there.lookup(late)).answers[0]?.data, '192.0.2.200');
  await assert.rejects(client.lookup(late), { code: 'lookup_failed' });
  await closed(idle);
  busy.write(frame(query('static')).subarray(9));
  assert.equal((await messages(busy, 1)).length, 1, 'what had begun is answered');
  await closed(busy);
  assert.equal((await there.lookup({ ...late, transport: 'tcp' })).rcode, 'NOERROR');
  // And back again, at once.
  (await server.prepare({ ...moved, host: '127.0.0.1', port })).commit();
  assert.equal((await client.lookup(late)).rcode, 'NOERROR');
});

test('a client that never ends is left after 5 s, and a close leaves nobody', async (t) => {
  const clock = new ManualClock();
  const { server, next } = await start(t, { clock });
  const dripping = await tcp(t, server.port);
  dripping.write(frame(query('static')).subarray(0, 3));
  await askOver(await tcp(t, server.port)); // accepted after the other one
  const moved = { ...next({}), host: '127.0.0.2', port: 0 };
  (await server.prepare(moved)).commit();
  clock.advance(4_999);
  assert.equal(dripping.closed, false);
  clock.advance(1);
  await closed(dripping);
  const again = await tcp(t, server.port, '127.0.0.2');
  again.write(frame(query('static')).subarray(0, 3));
  await askOver(await tcp(t, server.port, '127.0.0.2'));
  (await server.prepare({ ...moved, host: '127.0.0.3' })).commit();
  await server.prepare({ ...moved, host: '127.0.0.4' });
  await server.close();
  await closed(again);
});

test('a port that another holds, for TCP or for UDP, is an error that names it', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  t.after(() => holder.close());
  const { port } = holder.address() as { port: number };
  await assert.rejects(start(t, { port }), {
    code: 'address_in_use',
    message: new RegExp(`127\\.0\\.0\\.1:${port} \\(TCP\\)`),
  });
  await assert.rejects(start(t, { port: await holdUdp(t, '127.0.0.1') }), {
    code: 'address_in_use',
    message: /\(UDP\)/,
  });
});

test('two servers share a port with `reusePort`', async (t) => {
  const one = await start(t, { reusePort: true });
  const two = await start(t, { reusePort: true, port: one.server.port });
  assert.equal(two.server.port, one.server.port);
  const answer = await one.client.lookup({ name: 'static.exchange.test', type: 'A' });
  assert.equal(answer.rcode, 'NOERROR');
});

test('queries are counted by transport, and a closed server answers no more', async (t) => {
  const { server, client, metrics } = await start(t);
  await client.lookup({ name: 'static.exchange.test', type: 'A' });
  await client.lookup({ name: 'static.exchange.test', type: 'A', transport: 'tcp' });
  const total = metrics.block.words.reduce((sum, word) => sum + word, 0);
  assert.ok(total >= 4, 'two queries and two responses');
  const socket = await tcp(t, server.port);
  await server.close();
  await closed(socket);
  await assert.rejects(client.lookup({ name: 'static.exchange.test', type: 'A' }), {
    code: 'lookup_failed',
  });
});
