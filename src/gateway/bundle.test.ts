import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { oneRegion, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { RawOrigin } from '../../test/support/raw-origin.ts';
import { createAuthority, issueRegionIdentity, issueServerCertificate } from '../link/authority.ts';
import { linkClientOptions } from '../link/identity.ts';

const host = '127.0.0.1';
const authority = await createAuthority();
const certificate = await issueServerCertificate(authority, ['a.test'], [host]);
const identity = await issueRegionIdentity(authority, 'eu', { addresses: [host] });
const ask = (method: string, fields = '') =>
  `${method} /.meridian/bundle HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

async function world(bundle: Uint8Array | undefined) {
  const origin = await RawOrigin.listen();
  const started = await startGateway({
    config: oneRegion(origin.port),
    bundle: bundle!,
    listen: {
      http: { host, port: 0 },
      https: { host, port: 0, tls: { certificates: [certificate] } },
      link: { host, port: 0, identity },
    },
  });
  const ports = started.gateway.ports as Record<'http' | 'https' | 'link', number>;
  return {
    ...started,
    ports,
    link: () =>
      RawClient.connectTls({ ...linkClientOptions(identity, 'eu'), host, port: ports.link }),
    async [Symbol.asyncDispose]() {
      await started.gateway.close();
      assert.equal(origin.requests.length, 0);
      await origin.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

/** Of every octet, and larger than anything that a socket takes at once. */
const large = Buffer.from(Array.from({ length: 1_500_003 }, (_, at) => (at * 31) % 256));

test('the link brings the copy of the configuration, whole and unchanged', async () => {
  // A view in the middle of a buffer, as a message between threads may bring it.
  const around = Buffer.concat([Buffer.from('before'), large, Buffer.from('after')]);
  await using w = await world(new Uint8Array(around.buffer, around.byteOffset + 6, large.length));
  using client = await w.link();
  const head = await client.request(ask('HEAD'));
  for (let n = 0; n < 2; n++) {
    const { status, head, body } = await client.request(ask('GET'));
    assert.equal(status, 200);
    assert.match(head, /^Content-Type: application\/octet-stream\r$/m);
    assert.ok(Buffer.from(body, 'latin1').equals(large));
  }
  assert.match(head.head, new RegExp(`^Content-Length: ${large.length}\r$`, 'm'));
  assert.equal((await client.request(ask('POST', 'Content-Length: 0\r\n'))).status, 405);
});

test('a peer that reads nothing is not waited for for ever', async () => {
  /** Far more than the kernel takes. */
  const bytes = 256_000_000;
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({
    config: oneRegion(origin.port),
    bundle: Buffer.alloc(bytes),
    limits: { writeStallMs: 200 },
    listen: { link: { host, port: 0, identity } },
  });
  const port = started.gateway.ports.link!;
  using client = await RawClient.connectTls({ ...linkClientOptions(identity, 'eu'), host, port });
  client.socket.pause();
  client.send(ask('GET'));
  const entry = await eventually('its end', () => started.log[0]);
  assert.ok((entry.bytesOut as number) < bytes);
});

test('nobody else gets it, and nobody by way of another gateway', async () => {
  await using w = await world(Buffer.from('secret'));
  using plain = await RawClient.connect(w.ports.http);
  using secure = await RawClient.connectTls({
    host,
    port: w.ports.https,
    servername: 'a.test',
    ca: authority.cert,
  });
  using relayed = await w.link();
  for (const [client, fields] of [
    [plain, ''],
    [plain, 'Meridian-Hop: 0\r\nMeridian-Origin-Region: eu\r\n'],
    [secure, ''],
    [relayed, 'Meridian-Hop: 1\r\n'],
  ] as const) {
    for (const method of ['GET', 'POST']) {
      const { status, body } = await client.request(ask(method, `${fields}Content-Length: 0\r\n`));
      assert.equal(status, 404);
      assert.equal(JSON.parse(body).code, 'route_not_found');
    }
  }
});

test('a node without one says so', async () => {
  await using w = await world(undefined);
  using client = await w.link();
  assert.equal((await client.request(ask('GET'))).status, 404);
});
