import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { certifyHosts } from '../../../test/support/certificates.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { host, tlsWorld } from '../../../test/support/tls-world.ts';
import { createAuthority } from '../../link/authority.ts';
import type { GatewayLimits } from '../limits.ts';
import type { KeyPair } from './tls-settings.ts';

const authority = await createAuthority();
const pairs = await Promise.all([
  certifyHosts(authority, ['a.test']),
  certifyHosts(authority, ['b.test']),
]);
const proxies = ['127.0.0.0/8'];
/** From 192.0.2.1. */
const head = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000201c63364050bb801bb', 'hex');
const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
const request = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

interface WorldOptions {
  readonly networks?: readonly string[];
  readonly certificates?: readonly KeyPair[];
  readonly limits?: Partial<GatewayLimits>;
}

async function world({ networks = proxies, certificates = pairs, limits = {} }: WorldOptions = {}) {
  const tls = { certificates };
  const listen = {
    plain: { host, port: 0, proxies: networks },
    secure: { host, port: 0, proxies: networks, tls },
  };
  return tlsWorld(authority, tls, { listen, limits });
}

test('the client is who the proxy says, for the service and in the log', async () => {
  await using w = await world();
  using client = await RawClient.connect(w.gateway.ports.plain!);
  client.socket.write(head);
  assert.equal((await client.request(request)).status, 200);
  assert.equal((await client.request(request)).status, 200);
  for (const { head: seen } of w.origin.requests) {
    assert.match(seen, /^X-Forwarded-For: 192\.0\.2\.1\r$/m);
    assert.match(seen, /^Forwarded: for=192\.0\.2\.1;proto=http;/m);
  }
  assert.deepEqual(
    w.log.map(({ client: address }) => address),
    ['192.0.2.1', '192.0.2.1'],
  );
  using probe = await RawClient.connect(w.gateway.ports.plain!);
  probe.socket.write(local);
  await probe.request(request);
  assert.equal(w.log.at(-1)?.client, '127.0.0.1', 'the proxy itself');
});

test('head and request in one, or octet by octet', async () => {
  await using w = await world();
  const whole = Buffer.concat([head, Buffer.from(request)]);
  using at_once = await RawClient.connect(w.gateway.ports.plain!);
  at_once.socket.write(whole);
  assert.equal((await at_once.response()).status, 200);
  using slow = await RawClient.connect(w.gateway.ports.plain!);
  for (const octet of whole) {
    slow.socket.write(Buffer.from([octet]));
    await turn();
  }
  assert.equal((await slow.response()).status, 200);
  assert.deepEqual(
    w.log.map(({ client: address }) => address),
    ['192.0.2.1', '192.0.2.1'],
  );
});

for (const certificates of [pairs, pairs.slice(0, 1)]) {
  test(`it comes before TLS, with ${certificates.length} certificates`, async () => {
    await using w = await world({ certificates });
    using raw = await RawClient.connect(w.gateway.ports.secure!);
    raw.socket.removeAllListeners('data');
    for (const octet of head) {
      raw.socket.write(Buffer.from([octet]));
      await turn();
    }
    const socket = connectTls({ socket: raw.socket, servername: 'a.test', ca: authority.cert });
    await once(socket, 'secureConnect');
    socket.write(request);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 200 OK/);
    assert.match(w.origin.requests[0]!.head, /^X-Forwarded-For: 192\.0\.2\.1\r$/m);
    assert.match(w.origin.requests[0]!.head, /^X-Forwarded-Proto: https\r$/m);
    socket.destroy();
  });
}

test('whoever is no proxy is not connected, whatever it says', async () => {
  await using w = await world({ networks: ['10.0.0.0/8', '2001:db8::/32'] });
  for (const name of ['plain', 'secure']) {
    using client = await RawClient.connect(w.gateway.ports[name]!);
    client.socket.write(head);
    assert.equal(await client.rest(), '');
  }
});

test('a proxy that does not speak the protocol is cut off at once, one that is silent after a while', async () => {
  await using w = await world({ limits: { tlsHandshakeMs: 200 } });
  for (const name of ['plain', 'secure']) {
    for (const sent of [request, 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n', '\x16\x03\x01\x02']) {
      using client = await RawClient.connect(w.gateway.ports[name]!);
      client.socket.on('error', () => {});
      client.send(sent);
      assert.equal(await client.rest(), '');
    }
    using silent = await RawClient.connect(w.gateway.ports[name]!);
    silent.socket.write(head.subarray(0, 10));
    assert.equal(await silent.rest(), '');
    using ended = await RawClient.connect(w.gateway.ports[name]!);
    ended.socket.end(head.subarray(0, 10));
    assert.equal(await ended.rest(), '');
  }
  assert.equal(w.log.length, 0);
});

test('networks of proxies come and go with a swap, and open connections stay', async () => {
  await using w = await world();
  const port = w.gateway.ports.plain!;
  using old = await RawClient.connect(port);
  old.socket.write(head);
  assert.equal((await old.request(request)).status, 200);
  await w.swap({ plain: { host, port } });
  using direct = await RawClient.connect(port);
  assert.equal((await direct.request(request)).status, 200);
  assert.equal((await old.request(request)).status, 200);
  const told = w.origin.requests.map(
    ({ head: seen }) => /^X-Forwarded-For: (.*)\r$/m.exec(seen)?.[1],
  );
  assert.deepEqual(told, ['192.0.2.1', '127.0.0.1', '192.0.2.1']);
});
