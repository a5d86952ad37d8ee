import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { certifyHosts } from '../../../test/support/certificates.ts';
import { freePort } from '../../../test/support/free-ports.ts';
import { requireCommand } from '../../../test/support/requirements.ts';
import { createAuthority } from '../../link/authority.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { frame } from '../client/tcp.ts';
import { createExchange } from '../testdata/exchange.ts';
import { optionOf, rawQuery } from '../testdata/raw-query.ts';
import { optionCode } from '../wire/codes.ts';
import { decodeMessage } from '../wire/message.ts';
import type { TcpLimits } from './connections.ts';
import { createDnsServer, type DnsTls } from './server.ts';

const host = '127.0.0.1';
const authority = await createAuthority();
const [one, two] = await Promise.all([
  certifyHosts(authority, ['ns1.test']),
  certifyHosts(authority, ['ns2.test', '*.ns.test']),
]);
const policy = { minVersion: 'TLSv1.2' } as const;
const ticketKeys = randomBytes(48);
const tlsOf = (...certificates: DnsTls['certificates']): DnsTls => ({
  certificates,
  policy,
  ticketKeys,
});

async function start(t: TestContext, tls = tlsOf(one, two), tcp?: TcpLimits) {
  const metrics = new DnsMetrics();
  const { options } = createExchange();
  const shared = { host, port: 0, reusePort: false, metrics };
  const server = await createDnsServer({
    ...options,
    ...shared,
    dot: { host, port: 0, tls },
    ...(tcp && { tcp }),
  });
  t.after(() => server.close());
  const port = server.dotPort!;
  const next = (dot: object | undefined) => ({
    ...options,
    host,
    port: server.port,
    ...(dot && { dot: { host, port, tls, ...dot } }),
  });
  return { server, port, metrics, next };
}

type Options = ConnectionOptions & { readonly localAddress?: string };

async function secure(t: TestContext, options: Options): Promise<TLSSocket> {
  const socket = connect({
    host,
    servername: 'ns1.test',
    ca: authority.cert,
    ALPNProtocols: ['dot'],
    ...options,
  });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  return socket;
}

const query = (id: number, options: [number, Buffer][] = []) =>
  rawQuery({ id, name: 'static.exchange.test', options });

/** Sends queries at once; resolves with as many responses. */
async function ask(socket: TLSSocket, ...queries: Buffer[]): Promise<Buffer[]> {
  socket.write(Buffer.concat(queries.map(frame)));
  let bytes = Buffer.alloc(0);
  const responses: Buffer[] = [];
  while (responses.length < queries.length) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0);
      responses.push(bytes.subarray(2, end));
      bytes = bytes.subarray(end);
    }
  }
  return responses;
}

test('queries over TLS, many at once, with padding and the idle time', async (t) => {
  const { port, metrics } = await start(t);
  const socket = await secure(t, { port });
  assert.equal(socket.alpnProtocol, 'dot');
  const options: [number, Buffer][] = [
    [optionCode.padding, Buffer.alloc(3)],
    [optionCode.keepalive, Buffer.alloc(0)],
  ];
  const responses = await ask(socket, ...[1, 2, 3, 4, 5].map((id) => query(id, options)));
  assert.deepEqual(
    responses.map((bytes) => decodeMessage(bytes).id),
    [1, 2, 3, 4, 5],
  );
  for (const response of responses) {
    assert.equal(decodeMessage(response).answers.length, 2);
    assert.equal(response.length, 468);
    assert.equal(optionOf(response, optionCode.keepalive)?.readUInt16BE(0), 370);
  }
  const total = metrics.block.words.reduce((sum, word) => sum + word, 0);
  assert.ok(total >= 10, 'counted');
});

test('who offers another protocol is refused, who offers none is served', async (t) => {
  const { port } = await start(t);
  const failure = once(
    connect({ host, port, ca: authority.cert, ALPNProtocols: ['h2'] }),
    'secureConnect',
  );
  await assert.rejects(failure, { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' });
  const { ALPNProtocols: _, ...none } = { ALPNProtocols: undefined, port };
  const socket = connect({ host, servername: 'ns1.test', ca: authority.cert, ...none });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  assert.equal((await ask(socket, query(1))).length, 1);
});

test('the certificate goes by name, and renewed ones are shown from the commit on', async (t) => {
  const { server, port, next } = await start(t);
  const before = await secure(t, { port });
  await secure(t, { port, servername: 'ns2.test' });
  await secure(t, { port, servername: 'a.ns.test' });
  await assert.rejects(secure(t, { port, servername: 'ns3.test' }), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
  const renewed = await certifyHosts(authority, ['ns3.test']);
  const prepared = await server.prepare(next({ tls: tlsOf(renewed) }));
  await secure(t, { port });
  prepared.commit();
  await secure(t, { port, servername: 'ns3.test' });
  assert.equal((await ask(before, query(1))).length, 1, 'a connection there is stays');
  await assert.rejects(server.prepare(next({ tls: tlsOf({ cert: 'x', key: 'y' }) })), {
    code: 'listen_failed',
    message: /DNS cannot speak TLS on 127\.0\.0\.1/,
  });
  await secure(t, { port, servername: 'ns3.test' });
});

async function session(socket: TLSSocket): Promise<Buffer> {
  const [given] = (await once(socket, 'session')) as [Buffer];
  return given;
}

test('a session is resumed by another thread, over a swap, and not after the keys have changed', async (t) => {
  const { server, port, next } = await start(t);
  const other = await start(t);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = connect({ host, port, servername: 'ns1.test', ca: authority.cert, maxVersion });
    t.after(() => socket.destroy());
    const ticket = await session(socket);
    const again = await secure(t, { port: other.port, session: ticket, maxVersion });
    assert.equal(again.isSessionReused(), true, maxVersion);
    (await server.prepare(next({}))).commit();
    const swapped = await secure(t, { port, session: ticket, maxVersion });
    assert.equal(swapped.isSessionReused(), true, maxVersion);
    other.server.useTicketKeys(randomBytes(48));
    const late = await secure(t, { port: other.port, session: ticket, maxVersion });
    assert.equal(late.isSessionReused(), false, maxVersion);
    other.server.useTicketKeys(ticketKeys);
  }
});

test('it is opened, moved and closed with the configuration; one that cannot be had changes nothing', async (t) => {
  const { server, port, next } = await start(t);
  const socket = await secure(t, { port });
  const taken = await freePort(host);
  const holder = (await start(t)).server.dotPort!;
  await assert.rejects(server.prepare({ ...next({ port: holder }), port: taken }), {
    code: 'address_in_use',
    message: new RegExp(`127\\.0\\.0\\.1:${holder} \\(TLS\\)`),
  });
  await assert.rejects(once(connectTcp(taken, host), 'connect'), { code: 'ECONNREFUSED' });
  (await server.prepare(next({ port: taken }))).commit();
  assert.equal(server.dotPort, taken);
  await once(socket.resume(), 'close');
  await secure(t, { port: taken });
  (await server.prepare(next(undefined))).commit();
  assert.equal(server.dotPort, undefined);
  await assert.rejects(once(connectTcp(taken, host), 'connect'), { code: 'ECONNREFUSED' });
  (await server.prepare(next({}))).commit();
  await secure(t, { port });
});

test('who sends no handshake holds up neither others nor the end', async (t) => {
  const { server, port } = await start(t);
  const silent = connectTcp(port, host);
  await once(silent, 'connect');
  const garbage = connectTcp(port, host);
  garbage.on('error', () => {});
  garbage.write('GET / HTTP/1.1\r\n\r\n');
  await once(garbage.resume(), 'close');
  const burst = await Promise.all(Array.from({ length: 20 }, () => secure(t, { port })));
  assert.equal((await ask(burst[19]!, query(1))).length, 1);
  const closed = once(silent.resume(), 'close');
  await server.close();
  await closed;
});

test('limits hold for handshakes and for what is connected, each by itself', async (t) => {
  const limits = { connections: 6, perSource: 3, idleMs: 60_000, crowdedIdleMs: 60_000 };
  const { port } = await start(t, undefined, limits);
  const open = (localAddress: string) => {
    const socket = connectTcp({ port, host, localAddress });
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    return socket;
  };
  const silent = [open(host), open(host), open(host)];
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  await once(open(host).resume(), 'close');
  const other = await secure(t, { port, localAddress: '127.0.0.2' });
  assert.equal((await ask(other, query(1))).length, 1);
  const first = await secure(t, { port, localAddress: '127.0.0.3' });
  const firstClosed = once(first.resume(), 'close');
  for (let count = 0; count < 3; count++) await secure(t, { port, localAddress: '127.0.0.3' });
  await firstClosed;
  const oldestClosed = once(silent[0]!.resume(), 'close');
  assert.equal(silent[0]!.closed, false);
  const crowd = ['127.0.0.4', '127.0.0.5', '127.0.0.6', '127.0.0.7'].map(open);
  await oldestClosed;
  for (const socket of crowd) assert.equal(socket.closed, false);
});

test('kdig speaks with it, and believes it', { skip: requireCommand('kdig') }, async (t) => {
  const { port } = await start(t);
  const directory = await mkdtemp(join(tmpdir(), 'meridian-dot-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'ca.pem');
  await writeFile(path, authority.cert);
  const run = promisify(execFile);
  const args = [
    `@${host}`,
    '-p',
    String(port),
    '+tls',
    '+tls-hostname=ns1.test',
    `+tls-ca=${path}`,
    '+padding',
  ];
  const { stdout } = await run('kdig', [
    ...args,
    '+nocookie',
    'static.exchange.test',
    'A',
    '+keepopen',
    'big.exchange.test',
    'TXT',
    '+padding',
  ]);
  assert.match(stdout, /TLS session \(TLS1\.3\)/);
  assert.match(stdout, /static\.exchange\.test\.\s+60\s+IN\s+A\s+192\.0\.2\.1/);
  assert.match(stdout, /PADDING: \d+ B/);
  assert.match(stdout, /ANSWER: 60;/);
  assert.doesNotMatch(stdout, /^;; (WARNING|ERROR)/m);
});
