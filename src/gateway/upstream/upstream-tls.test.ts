import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { certify, certifyHosts } from '../../../test/support/certificates.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { oneRegion, revisionOf, startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import type { ConfigInput } from '../../config/schema/config.ts';
import { createAuthority } from '../../link/authority.ts';
import type { UpstreamMaterial } from './upstream-tls.ts';

const host = '127.0.0.1';
const [authority, strangers] = await Promise.all([createAuthority(), createAuthority()]);
const [named, addressed, client, stranger] = await Promise.all([
  certifyHosts(authority, ['orders.internal', 'localhost']),
  certifyHosts(authority, [host]),
  certify(authority, {}),
  certify(strangers, {}),
]);
const ca = authority.cert;
type ServiceTls = NonNullable<ConfigInput['services']>[string]['tls'];

/** Answers every request with `ok`, and keeps what each connection agreed on. */
class TlsOrigin {
  readonly connections: TLSSocket[] = [];
  readonly requests: string[] = [];
  readonly #server: Server;

  constructor(options: TlsOptions) {
    this.#server = createServer(options, (socket) => {
      this.connections.push(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        this.requests.push(bytes.toString());
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    this.#server.on('tlsClientError', () => {});
  }

  async listen(): Promise<number> {
    this.#server.listen(0, host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  [Symbol.dispose](): void {
    for (const socket of this.connections) socket.destroy();
    this.#server.close();
  }
}

function withTls(port: number, tls: ServiceTls, at = host): ConfigInput {
  const config = oneRegion(port);
  const service = config.services!.s!;
  config.services!.s = { ...service, ...(tls && { tls }), endpoints: { eu: [`${at}:${port}`] } };
  return config;
}

/** What a client gets from a service that is spoken to in this way. */
async function ask(port: number, tls: ServiceTls, material: UpstreamMaterial, at = host) {
  const config = withTls(port, tls, at);
  await using w = await startGateway({ config, upstreams: { s: material } });
  using asking = await RawClient.connect(w.port);
  const { status, body } = await asking.request('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.deepEqual(w.defects, []);
  return status === 200 ? body : (JSON.parse(body) as { code: string }).code;
}

test('the service has to prove the name that is asked for, or its address', async () => {
  using byName = new TlsOrigin(named);
  using byAddress = new TlsOrigin(addressed);
  const [port, other] = [await byName.listen(), await byAddress.listen()];
  assert.equal(await ask(port, { serverName: 'orders.internal' }, { ca }), 'ok');
  assert.equal(byName.connections.at(-1)?.servername, 'orders.internal');
  assert.equal(await ask(port, {}, { ca }, 'localhost'), 'ok');
  assert.equal(byName.connections.at(-1)?.servername, 'localhost');
  assert.equal(await ask(other, {}, { ca }), 'ok');
  assert.equal(byAddress.connections.at(-1)?.servername, false, 'an address is no server name');
  for (const [at, tls, material] of [
    [port, {}, { ca }],
    [port, { serverName: 'other.internal' }, { ca }],
    [port, { serverName: 'orders.internal' }, { ca: strangers.cert }],
    [port, { serverName: 'orders.internal' }, {}],
    [other, { serverName: 'orders.internal' }, { ca }],
  ] as const) {
    const before = byName.requests.length + byAddress.requests.length;
    assert.equal(await ask(at, tls, material), 'upstream_tls_failed', JSON.stringify(tls));
    assert.equal(byName.requests.length + byAddress.requests.length, before);
  }
  assert.equal(await ask(port, { verify: false }, {}), 'ok');
});

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${maxVersion}: mutual TLS, and its refusal`, async () => {
    using origin = new TlsOrigin({ ...addressed, ca, requestCert: true, maxVersion });
    const port = await origin.listen();
    assert.equal(await ask(port, {}, { ca, ...client }), 'ok');
    assert.ok(origin.connections.at(-1)?.authorized);
    for (const material of [{ ca }, { ca, ...stranger }]) {
      assert.match(await ask(port, {}, material), /^upstream_(tls_failed|closed)$/);
    }
    assert.equal(origin.requests.length, 1);
  });
}

test('a service that asks for a certificate and gets none is told by its own problem', async () => {
  using origin = new TlsOrigin({ ...addressed, ca, requestCert: true });
  assert.equal(await ask(await origin.listen(), {}, { ca }), 'upstream_tls_failed');
});

test('what speaks no TLS, or agrees on none, is told apart from what cannot be reached', async () => {
  using old = new TlsOrigin({ ...addressed, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
  using other = new TlsOrigin({ ...addressed, ALPNProtocols: ['h2'] });
  assert.equal(await ask(await old.listen(), {}, { ca }), 'upstream_tls_failed');
  assert.equal(await ask(await other.listen(), {}, { ca }), 'upstream_tls_failed');
  const gone = new TlsOrigin(addressed);
  const port = await gone.listen();
  gone[Symbol.dispose]();
  assert.equal(await ask(port, {}, { ca }), 'upstream_connect_failed');
});

test('it fails like a connection: counted, and tried elsewhere', async () => {
  using good = new TlsOrigin(addressed);
  using bad = new TlsOrigin(named);
  const ports = [await bad.listen(), await good.listen()];
  const config = oneRegion(...ports);
  config.services!.s!.tls = {};
  await using w = await startGateway({ config, upstreams: { s: { ca } } });
  using asking = await RawClient.connect(w.port);
  for (let times = 0; times < 6; times++) {
    const answer = await asking.request(
      'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n',
    );
    assert.equal(answer.status, 200);
  }
  assert.ok(w.log.some(({ retries }) => retries === 1));
  assert.equal(bad.requests.length, 0);
  assert.equal(good.requests.length, 6);
});

test('connections are kept and sessions resumed; another identity has its own', async () => {
  using origin = new TlsOrigin({ ...addressed, ca, requestCert: true, rejectUnauthorized: false });
  const port = await origin.listen();
  const config = withTls(port, {});
  const limits = { upstreamIdleMs: 1_050 };
  await using w = await startGateway({ config, limits, upstreams: { s: { ca } } });
  using asking = await RawClient.connect(w.port);
  const get = async () => (await asking.request('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')).status;
  assert.equal(await get(), 200);
  assert.equal(await get(), 200);
  assert.equal(origin.connections.length, 1, 'the same connection');
  await eventually('the idle one to be closed', () => origin.connections[0]!.destroyed);
  assert.equal(await get(), 200);
  assert.ok(origin.connections[1]!.isSessionReused());
  const revision = revisionOf({ config, upstreams: { s: { ca, ...client } } });
  (await w.gateway.prepare(revision)).commit();
  assert.equal(await get(), 200);
  assert.equal(origin.connections.length, 3, 'never one that was made as somebody else');
  assert.ok(!origin.connections[2]!.isSessionReused());
  assert.ok(origin.connections[2]!.authorized);
});

test('material that cannot be used is refused by the name of the service, and the old serves on', async () => {
  using origin = new TlsOrigin(addressed);
  const config = withTls(await origin.listen(), {});
  await using w = await startGateway({ config, upstreams: { s: { ca } } });
  for (const material of [{ ca: 'garbage' }, { ca, cert: client.cert, key: stranger.key }]) {
    await assert.rejects(w.gateway.prepare(revisionOf({ config, upstreams: { s: material } })), {
      code: 'certificate_invalid',
      message: /service s/,
    });
  }
  using asking = await RawClient.connect(w.port);
  assert.equal((await asking.request('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')).status, 200);
});
