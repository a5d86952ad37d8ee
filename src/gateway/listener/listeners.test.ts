import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { eventually } from '../../../test/support/eventually.ts';
import { fairTimer } from '../../../test/support/fair-time.ts';
import { oneRegion, startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../../test/support/raw-origin.ts';
import {
  createAuthority,
  issueRegionIdentity,
  issueServerCertificate,
} from '../../link/authority.ts';
import { linkClientOptions } from '../../link/identity.ts';
import { connectionLimits, openFileLimit } from '../admission/open-files.ts';
import type { GatewayLimits } from '../limits.ts';

const host = '127.0.0.1';
const authority = await createAuthority();
const certificate = await issueServerCertificate(authority, ['a.test'], [host]);
const identity = await issueRegionIdentity(authority, 'eu', { addresses: [host] });
const tls: ConnectionOptions = { host, servername: 'a.test', ca: authority.cert };
const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
/** The start of a ClientHello of 512 octets. */
const helloStart = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03';

async function world(limits: Partial<GatewayLimits> = {}) {
  const origin = await RawOrigin.listen();
  const started = await startGateway({
    config: oneRegion(origin.port),
    limits,
    listen: {
      http: { host, port: 0 },
      https: { host, port: 0, tls: { certificates: [certificate] } },
      link: { host, port: 0, identity },
    },
  });
  return {
    ...started,
    origin,
    ports: started.gateway.ports as Record<'http' | 'https' | 'link', number>,
    async [Symbol.asyncDispose]() {
      await started.gateway.close();
      await origin.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

for (const listener of ['https', 'link'] as const) {
  test(`${listener}: a handshake that the client ends, or that is none, closes the connection`, async () => {
    await using w = await world();
    for (const sent of ['', helloStart, 'no TLS at all, but long enough for a record', get]) {
      using client = await RawClient.connect(w.ports[listener]);
      client.socket.end(sent, 'latin1');
      await client.closed();
    }
  });

  test(`${listener}: a handshake has a limit from its start, however it drips`, async () => {
    await using w = await world({ tlsHandshakeMs: 300 });
    using silent = await RawClient.connect(w.ports[listener]);
    using dripping = await RawClient.connect(w.ports[listener]);
    dripping.send(helloStart);
    const drip = setInterval(() => dripping.send('\0'), 50);
    const tookMs = fairTimer();
    await Promise.all([silent.rest(), dripping.rest()]);
    clearInterval(drip);
    assert.ok(tookMs() < 8_000);
    assert.equal(w.log.length, 0);
  });
}

test('the end of a gateway ends what has only just been accepted', async () => {
  await using w = await world();
  using silent = await RawClient.connect(w.ports.https);
  using begun = await RawClient.connect(w.ports.https);
  begun.send(helloStart);
  using served = await RawClient.connectTls({ ...tls, port: w.ports.https });
  assert.equal((await served.request(get)).body, 'ok');
  const tookMs = fairTimer();
  await w.gateway.close();
  await Promise.all([silent.rest(), begun.rest(), served.rest()]);
  assert.ok(tookMs() < 8_000, 'and not when its time is up');
});

test('a TLS client that closes its sending side after the handshake gets its response', async () => {
  await using w = await world();
  using client = await RawClient.connectTls({ ...tls, port: w.ports.https });
  client.socket.end(get);
  assert.equal((await client.response()).body, 'ok');
  using peer = await RawClient.connectTls({
    ...linkClientOptions(identity, 'eu'),
    host,
    port: w.ports.link,
  });
  assert.equal((await peer.request(get)).body, 'ok');
});

test('no room: connections that wait make some, silent ones first; else the newcomer goes', async () => {
  await using w = await world({ clientConnections: 2 });
  using used = await RawClient.connect(w.port);
  assert.equal((await used.request(get)).body, 'ok');
  using silent = await RawClient.connect(w.port);
  w.origin.respond = () => {};
  using first = await RawClient.connect(w.port);
  first.send(get);
  assert.equal(await silent.rest(), '');
  await eventually('the first', () => w.origin.requests.length === 2);
  using second = await RawClient.connectTls({ ...tls, port: w.ports.https });
  second.send(get);
  assert.equal(await used.rest(), '');
  await eventually('the second', () => w.origin.requests.length === 3);
  using third = await RawClient.connect(w.port);
  assert.equal(await third.rest(), '');
  using peer = await RawClient.connectTls({
    ...linkClientOptions(identity, 'eu'),
    host,
    port: w.ports.link,
  });
  w.origin.respond = (_request, socket) => void socket.write(okResponse('for a region'));
  assert.equal((await peer.request(get)).body, 'for a region');
  assert.equal(w.full.length, 1);
  first.close();
  await eventually('its end', () => w.log.some(({ status }) => status === 499));
  using next = await RawClient.connect(w.port);
  assert.equal((await next.request(get)).body, 'for a region');
});

test('a request has its upstream, however many clients idle; when all are at work it is told so', async () => {
  await using w = await world({ connections: 3, clientConnections: 3 });
  using old = await RawClient.connect(w.port);
  assert.equal((await old.request(get)).body, 'ok');
  using idle = await RawClient.connect(w.port);
  assert.equal((await idle.request(get)).body, 'ok');
  w.origin.respond = () => {};
  using first = await RawClient.connect(w.port);
  first.send(get);
  assert.equal(await old.rest(), '');
  await eventually('the first', () => w.origin.requests.length === 3);
  const refused = await idle.request(get);
  assert.equal(refused.status, 503);
  assert.match(refused.body, /upstream_saturated/);
  first.close();
  await eventually('its end', () => w.log.some(({ status }) => status === 499));
  w.origin.respond = (_request, socket) => void socket.write(okResponse('again'));
  assert.equal((await idle.request(get)).body, 'again');
});

test('a connection that never brings a byte has the limit of a head', async () => {
  await using w = await world({ headMs: 100 });
  using silent = await RawClient.connect(w.port);
  assert.equal(await silent.rest(), '');
});

test('limits on connections leave room for upstreams and the rest of the node', () => {
  for (const [files, threads] of [
    [400, 2],
    [1_024, 1],
    [20_000, 4],
    [1_048_576, 16],
  ] as const) {
    const limits = connectionLimits(files, threads);
    const { connections, clientConnections, linkConnections } = limits;
    assert.ok(clientConnections > linkConnections && linkConnections >= 4);
    assert.ok(connections * threads <= files - Math.min(256, files / 4));
    assert.ok(
      clientConnections + linkConnections <= connections * 0.95,
      'the rest is for upstreams',
    );
    assert.ok(clientConnections >= 0.75 * (files / threads) || files < 20_000);
  }
  assert.ok(openFileLimit() >= 256);
});
