import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { eventually } from '../../../test/support/eventually.ts';
import { oneRegion, revisionOf, startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../../test/support/raw-origin.ts';
import type { ConfigInput } from '../../config/schema/config.ts';
import {
  createAuthority,
  issueRegionIdentity,
  issueServerCertificate,
} from '../../link/authority.ts';
import { encodeFrame } from '../../link/frames.ts';
import { frameProtocol, linkClientOptions } from '../../link/identity.ts';
import type { ListenOptions } from './listeners.ts';

const host = '127.0.0.1';
const otherHost = '127.0.0.2';
const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const authority = await createAuthority();
const [first, second] = await Promise.all([
  issueServerCertificate(authority, ['a.test'], [host]),
  issueServerCertificate(authority, ['a.test'], [host]),
]);
const [eu, us] = await Promise.all(
  ['eu', 'us'].map((name) => issueRegionIdentity(authority, name, { addresses: [host] })),
);
const tls: ConnectionOptions = { host, servername: 'a.test', ca: authority.cert };

async function world(
  listen: ListenOptions,
  adjust: (config: ConfigInput) => void = () => {},
  dismissMs = 50,
) {
  const origin = await RawOrigin.listen();
  const config = oneRegion(origin.port);
  adjust(config);
  const started = await startGateway({ config, listen, limits: { dismissMs } });
  return {
    ...started,
    origin,
    prepare: (next: ListenOptions, other = config) =>
      started.gateway.prepare(revisionOf({ config: other, listen: next })),
    async [Symbol.asyncDispose]() {
      await started.gateway.close();
      await origin.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

const plain = { http: { host, port: 0 } };

async function isRefused(port: number, at = host): Promise<void> {
  await eventually(`port ${port} to be closed`, () =>
    RawClient.connect(port, at).then(
      (client) => {
        client.close();
        return false;
      },
      () => true,
    ),
  );
}

test('a listener moves: the new one serves, the old one drains what it has', async () => {
  await using w = await world(plain);
  using idle = await RawClient.connect(w.port);
  await idle.request(get);
  using busy = await RawClient.connect(w.port);
  const asked = new Promise<Socket>((resolve) => {
    w.origin.respond = (_request, socket) => resolve(socket);
  });
  busy.send(get);
  const upstream = await asked;
  const prepared = await w.prepare({ http: { host: otherHost, port: 0 } });
  assert.equal(w.gateway.ports.http, w.port);
  using early = await RawClient.connect(w.port);
  prepared.commit();
  const { http } = w.gateway.ports;
  assert.notEqual(http, w.port);
  assert.equal(await idle.rest(), '');
  assert.equal(await early.rest(), '');
  upstream.write(okResponse('late'));
  const last = await busy.response();
  assert.equal(last.body, 'late');
  assert.match(last.head, /^Connection: close\r$/m);
  await busy.rest();
  await isRefused(w.port);
  w.origin.respond = (_request, socket) => void socket.write(okResponse('moved'));
  using fresh = await RawClient.connect(http!, otherHost);
  assert.equal((await fresh.request(get)).body, 'moved');
  assert.doesNotMatch((await fresh.request(get)).head, /^Connection: close\r$/m);
  // And back, to the port by its number: it is free again at once.
  (await w.prepare({ http: { host, port: w.port } })).commit();
  using back = await RawClient.connect(w.port);
  assert.equal((await back.request(get)).body, 'moved');
});

test('what the kernel had accepted when a listener went is served', async () => {
  await using w = await world(plain, undefined, 5_000);
  const prepared = await w.prepare({ http: { host: otherHost, port: 0 } });
  // Connected and sent, while this thread has not looked at its sockets again.
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(w.port)));
  for (const client of clients) client.send(get);
  prepared.commit();
  for (const client of clients) {
    assert.equal((await client.response()).body, 'ok');
    client.close();
  }
});

test('a taken port is refused by name; the old one serves, and nothing is left behind', async () => {
  await using w = await world(plain);
  await using taken = await RawOrigin.listen();
  const free = await RawOrigin.listen(otherHost);
  const { port } = free;
  await free.close();
  const refused = w.prepare({
    http: { host: otherHost, port },
    https: { host, port: taken.port, tls: { certificates: [first] } },
  });
  await assert.rejects(refused, {
    code: 'listen_failed',
    message: new RegExp(`https on 127\\.0\\.0\\.1:${taken.port}.*EADDRINUSE`),
  });
  await isRefused(port, otherHost);
  using client = await RawClient.connect(w.port);
  assert.equal((await client.request(get)).body, 'ok');
});

test('an address of another listener is refused, also where ports are shared', async () => {
  const origin = await RawOrigin.listen();
  const config = oneRegion(origin.port);
  await using started = await startGateway({ config, listen: plain, reusePort: true });
  for (const at of [host, '0.0.0.0']) {
    const listen = { https: { host: at, port: started.port, tls: { certificates: [first] } } };
    await assert.rejects(started.gateway.prepare(revisionOf({ config, listen })), {
      code: 'listen_failed',
      message: /https on .*: http is served there/,
    });
  }
  await origin.close();
});

test('abandoned: what was bound is free at once, and the rest as before', async () => {
  await using w = await world(plain);
  const free = await RawOrigin.listen(otherHost);
  const { port } = free;
  await free.close();
  const next = { http: { host: otherHost, port } };
  const prepared = await w.prepare(next);
  using early = await RawClient.connect(port, otherHost);
  assert.equal((await early.request(get)).body, 'ok', 'it is served by the old revision');
  prepared.abandon();
  assert.equal(await early.rest(), '');
  const again = await w.prepare(next);
  again.commit();
  using client = await RawClient.connect(port, otherHost);
  assert.equal((await client.request(get)).body, 'ok');
});

test('a certificate is renewed on a listener that stays: new handshakes see it, old connections live', async () => {
  await using w = await world({ https: { host, port: 0, tls: { certificates: [first] } } });
  const port = w.gateway.ports.https!;
  using old = await RawClient.connectTls({ ...tls, port });
  const ticket = once(old.socket, 'session');
  await old.request(get);
  const [session] = (await ticket) as [Buffer];
  (await w.prepare({ https: { host, port: 0, tls: { certificates: [first] } } })).commit();
  using resumed = await RawClient.connectTls({ ...tls, port, session });
  assert.ok(
    (resumed.socket as TLSSocket).isSessionReused(),
    'the same certificate: no new context',
  );
  (await w.prepare({ https: { host, port: 0, tls: { certificates: [second] } } })).commit();
  assert.equal(w.gateway.ports.https, port);
  using fresh = await RawClient.connectTls({ ...tls, port });
  const serial = (client: RawClient) =>
    (client.socket as TLSSocket).getPeerCertificate().serialNumber;
  assert.notEqual(serial(fresh), serial(old));
  assert.equal((await fresh.request(get)).body, 'ok');
  assert.equal((await old.request(get)).body, 'ok');
});

const badPairs: [string, { cert: string; key: string }, RegExp][] = [
  ['garbage for a certificate', { cert: 'garbage', key: first.key }, /no PEM certificate/],
  ['no certificate', { cert: '', key: first.key }, /no PEM certificate/],
  ['no key', { cert: first.cert, key: '' }, /no PEM private key/],
  ['the key of another', { cert: first.cert, key: second.key }, /does not belong/],
];
for (const [what, pair, why] of badPairs) {
  test(`${what} is refused with the name of the listener, and without the texts`, async () => {
    await using w = await world({
      ...plain,
      https: { host, port: 0, tls: { certificates: [first] } },
    });
    const refused = w.prepare({
      ...plain,
      https: { host, port: 0, tls: { certificates: [pair] } },
    });
    await assert.rejects(refused, (error: Error & { code: string }) => {
      assert.equal(error.code, 'certificate_invalid');
      assert.match(error.message, /https on 127\.0\.0\.1:0/);
      assert.match(error.message, why);
      assert.doesNotMatch(error.message, /garbage|BEGIN/);
      return true;
    });
    using client = await RawClient.connectTls({ ...tls, port: w.gateway.ports.https! });
    assert.equal((await client.request(get)).body, 'ok');
  });
}

test('an authority that is none is refused for the link', async () => {
  await using w = await world({ link: { host, port: 0, identity: eu! } });
  const identity = { ...eu!, ca: '' };
  await assert.rejects(w.prepare({ link: { host, port: 0, identity } }), {
    code: 'certificate_invalid',
    message: /link on 127\.0\.0\.1:0.*no PEM authority/,
  });
});

test('the link takes a new identity and authority; older connections of regions live', async () => {
  const location = { latitude: 1, longitude: 1 };
  const addRegion = (config: ConfigInput) => {
    config.regions.us = { address: otherHost, location };
  };
  await using w = await world({ link: { host, port: 0, identity: eu! } }, addRegion);
  const port = w.gateway.ports.link!;
  using old = await RawClient.connectTls({ ...linkClientOptions(us!, 'eu'), host, port });
  await old.request(get);
  const renewed = await createAuthority();
  const [newEu, newUs] = await Promise.all(
    ['eu', 'us'].map((name) => issueRegionIdentity(renewed, name, { addresses: [host] })),
  );
  const config = oneRegion(w.origin.port);
  addRegion(config);
  (await w.prepare({ link: { host, port: 0, identity: newEu! } }, config)).commit();
  using fresh = await RawClient.connectTls({ ...linkClientOptions(newUs!, 'eu'), host, port });
  assert.equal((await fresh.request(get)).body, 'ok');
  assert.equal((await old.request(get)).body, 'ok');
  const options = { ...linkClientOptions(us!, 'eu'), host, port, rejectUnauthorized: false };
  using stranger = await RawClient.connectTls(options);
  stranger.send(get);
  await stranger.closed();
  assert.equal(stranger.received, '');
});

test('a region that is removed is let go, its frames and its requests', async () => {
  const location = { latitude: 1, longitude: 1 };
  const listen = { link: { host, port: 0, identity: eu! } };
  await using w = await world(listen, (config) => {
    config.regions.us = { address: otherHost, location };
  });
  const port = w.gateway.ports.link!;
  const frames = connect({ ...linkClientOptions(us!, 'eu', frameProtocol), host, port });
  frames.on('error', () => {});
  await once(frames, 'secureConnect');
  frames.write(encodeFrame({ verdicts: 1 }));
  await eventually('the frame', () => w.frames.length === 1);
  using idle = await RawClient.connectTls({ ...linkClientOptions(us!, 'eu'), host, port });
  await idle.request(get);
  (await w.prepare(listen, oneRegion(w.origin.port))).commit();
  await once(frames.resume(), 'close');
  assert.equal(await idle.rest(), '');
  using late = await RawClient.connectTls({ ...linkClientOptions(us!, 'eu'), host, port });
  await late.closed();
});
