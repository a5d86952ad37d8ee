import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { eventually } from '../../test/support/eventually.ts';
import type { Clock } from '../base/clock.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { createAuthority, issueRegionIdentity, issueServerCertificate } from './authority.ts';
import { encodeFrame } from './frames.ts';
import {
  frameProtocol,
  type LinkIdentity,
  linkClientOptions,
  linkServerName,
  linkServerOptions,
  peerRegionOf,
  regionOfCertificate,
} from './identity.ts';
import { acceptFrames } from './receiver.ts';
import { createLinkSender } from './sender.ts';

const authority = await createAuthority();
const west = await issueRegionIdentity(authority, 'west', { addresses: ['127.0.0.1'] });
const east = await issueRegionIdentity(authority, 'east');
const configured = (region: string) => region === 'west' || region === 'east';

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

/** A link listener of region west. */
async function listen(onSocket: (socket: TLSSocket) => void, options: TlsOptions = {}) {
  const sockets = new Set<Socket>();
  const server = createServer({ ...linkServerOptions(west), ...options }, onSocket);
  server.on('connection', (socket) => sockets.add(socket));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  closing.push(close);
  return { port: (server.address() as AddressInfo).port, close };
}

/** Whom the server and the client take each other for; undefined when TLS refused. */
function meet(port: number, identity: LinkIdentity, region: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      ...linkClientOptions(identity, region, frameProtocol),
      host: '127.0.0.1',
      port,
    });
    socket.on('data', (bytes) => resolve(bytes.toString()));
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(undefined));
    closing.push(() => socket.destroy());
  });
}

const greet = (socket: TLSSocket) => {
  socket.on('error', () => undefined);
  socket.end(`${peerRegionOf(socket, configured)} ${socket.alpnProtocol} ${socket.getProtocol()}`);
};

test('two regions of one authority know each other by name, over TLS 1.3', async () => {
  const { port } = await listen(greet);
  assert.equal(await meet(port, east, 'west'), 'east meridian-frames/1 TLSv1.3');
});

test('a client refuses a server that is another region than the one it wants', async () => {
  const { port } = await listen(greet);
  assert.equal(await meet(port, west, 'east'), undefined);
});

test('a stranger is refused: other authority, server-only certificate, none at all, TLS 1.2', async () => {
  const { port } = await listen(greet);
  const other = await issueRegionIdentity(await createAuthority(), 'east');
  assert.equal(await meet(port, { ...other, ca: west.ca }, 'west'), undefined);
  const https = await issueServerCertificate(authority, ['api.test'], []);
  assert.equal(await meet(port, { ca: west.ca, ...https }, 'west'), undefined);
  for (const options of [
    { cert: undefined, key: undefined },
    { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
  ] as const) {
    const socket = connect({
      ...linkClientOptions(east, 'west'),
      ...options,
      host: '127.0.0.1',
      port,
    });
    let said = '';
    socket.on('data', (bytes) => {
      said += bytes;
    });
    await once(socket, 'close').catch((error: Error) => error);
    assert.equal(said, '');
  }
});

test('a listener that lets anyone in still believes nobody who did not prove it', async () => {
  const { port } = await listen(greet, { rejectUnauthorized: false });
  const other = await issueRegionIdentity(await createAuthority(), 'east');
  assert.match((await meet(port, { ...other, ca: west.ca }, 'west')) ?? '', /^undefined /);
});

test('a region that is not configured is nobody', async () => {
  const { port } = await listen(greet);
  const north = await issueRegionIdentity(authority, 'north');
  assert.match((await meet(port, north, 'west')) ?? '', /^undefined /);
});

test('a certificate speaks for a region only when it names exactly one', () => {
  const of = (subjectaltname?: string) =>
    regionOfCertificate(subjectaltname === undefined ? {} : { subjectaltname });
  const a = `DNS:${linkServerName('a')}`;
  assert.equal(of(`IP Address:127.0.0.1, ${a}, DNS:other.test`), 'a');
  assert.equal(of(`${a}, DNS:${linkServerName('b')}`), undefined);
  assert.equal(of('DNS:*.region.meridian.internal'), undefined);
  assert.equal(of('DNS:a.b.region.meridian.internal'), undefined);
  assert.equal(of('DNS:region.meridian.internal'), undefined);
  assert.equal(of('URI:a.region.meridian.internal'), undefined);
  assert.equal(of(), undefined);
  assert.equal(regionOfCertificate(undefined), undefined);
  assert.throws(() => linkServerName('a.b'), { code: 'bad_region_name' });
});

/** Its time stands still, unless the test has it go on: no stall of the machine is one of the peer. */
const sender = (port: number, clock: Clock = new ManualClock()) => {
  const made = createLinkSender({
    region: 'west',
    host: '127.0.0.1',
    port,
    identity: east,
    clock,
  });
  closing.push(() => made.close());
  return made;
};

const until = (condition: () => boolean) => eventually(String(condition), condition);

test('frames arrive in order with the name of the peer; a burst is cut to the newest', async () => {
  const got: string[] = [];
  const { port } = await listen((socket) =>
    acceptFrames(socket, peerRegionOf(socket, configured) ?? '?', (peer, content) =>
      got.push(`${peer} ${content}`),
    ),
  );
  const link = sender(port);
  for (let n = 1; n <= 50; n++) link.send(encodeFrame(n));
  await until(() => got.includes('east 50'));
  assert.deepEqual(got, ['east 50']); // all were superseded before the connection stood
  for (let n = 51; n <= 100; n++) link.send(encodeFrame(n));
  await until(() => got.includes('east 100'));
  // At most four are under way; what came after them was superseded by the last.
  const numbers = got.map((line) => Number(line.slice('east '.length)));
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
  assert.ok(numbers.length >= 4 && numbers.length <= 7, `${numbers}`);
  for (let n = 101; n <= 130; n++) {
    link.send(encodeFrame(n));
    await until(() => got.includes(`east ${n}`));
  }
  assert.deepEqual(link.status(), { connected: true, lastError: undefined }); // never stalled
});

test('a frame is superseded by the next of its topic, not by others', async () => {
  const got: string[] = [];
  const { port } = await listen((socket) =>
    acceptFrames(socket, 'east', (_, content) => got.push(content.toString())),
  );
  const link = sender(port);
  for (let n = 1; n <= 50; n++) link.send(encodeFrame(n), `topic ${n % 10}`);
  const newest = Array.from({ length: 10 }, (_, i) => String(41 + i));
  await until(() => got.length >= 10);
  assert.deepEqual(got.sort(), newest); // all before them were superseded
});

test('a lost peer is found again', async () => {
  const got: string[] = [];
  let peer: TLSSocket | undefined;
  const { port } = await listen((socket) => {
    peer = socket;
    acceptFrames(socket, 'east', (_, content) => got.push(content.toString()));
  });
  const clock = new ManualClock();
  const link = sender(port, clock);
  link.send(encodeFrame('before'));
  await until(() => got.length === 1);
  peer?.destroy();
  await until(() => !link.status().connected);
  link.send(encodeFrame('after'));
  await until(() => clock.advance(10) === undefined && got.includes('"after"'));
});

test('a peer that accepts and says nothing is left after 2 s and tried again', async () => {
  let connections = 0;
  const black = createTcpServer((socket) => {
    connections++;
    socket.on('error', () => undefined);
    closing.push(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(black, 'listening');
  closing.push(() => black.close());
  const clock = new ManualClock();
  const link = sender((black.address() as AddressInfo).port, clock);
  link.send(encodeFrame(1));
  await until(() => connections === 1);
  clock.advance(1_999);
  assert.equal(link.status().lastError, undefined);
  clock.advance(1);
  await until(() => link.status().lastError === 'no connection within 2000 ms');
  await until(() => clock.advance(1) === undefined && connections === 2);
});

test('a peer that reads but never acknowledges is left after 2 s and tried again', async () => {
  let connections = 0;
  let frames = 0;
  const { port } = await listen((socket) => {
    connections++;
    socket.on('error', () => undefined);
    socket.on('data', () => frames++);
  });
  const clock = new ManualClock();
  const link = sender(port, clock);
  link.send(encodeFrame(1));
  await until(() => frames === 1);
  clock.advance(1_999);
  assert.equal(link.status().connected, true);
  clock.advance(1);
  await until(() => !link.status().connected);
  assert.equal(link.status().lastError, 'no acknowledgement within 2000 ms');
  await until(() => clock.advance(1) === undefined && connections === 2);
});

test('a broken frame ends the connection, not the process', async () => {
  const frames: Buffer[] = [];
  const { port } = await listen((socket) => acceptFrames(socket, 'east', (_, c) => frames.push(c)));
  for (const bytes of [Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.alloc(4)]) {
    const socket = connect({
      ...linkClientOptions(east, 'west', frameProtocol),
      host: '127.0.0.1',
      port,
    });
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes);
    await once(socket, 'close');
  }
  assert.deepEqual(frames, []);
});
