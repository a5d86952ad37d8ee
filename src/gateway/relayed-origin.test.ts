import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { certify, certifyHosts } from '../../test/support/certificates.ts';
import { startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import type { ConfigInput } from '../config/schema/config.ts';
import { healthy } from '../health/table.ts';
import { createAuthority, issueRegionIdentity } from '../link/authority.ts';

const location = { latitude: 1, longitude: 1 };
const addresses = { eu: '127.0.16.1', us: '127.0.17.1' };
const plugin = fileURLToPath(new URL('./policies/testdata/subject.ts', import.meta.url));
const [authority, partners] = await Promise.all([createAuthority(), createAuthority()]);
const [server, partner] = await Promise.all([
  certifyHosts(authority, ['a.test']),
  certify(partners, {
    subject: [{ O: ['Example'] }, { CN: ['orders'] }],
    names: [{ type: 'url', value: 'spiffe://example/orders' }],
  }),
]);
const [eu, us] = await Promise.all(
  (['eu', 'us'] as const).map((region) =>
    issueRegionIdentity(authority, region, { addresses: [addresses[region]] }),
  ),
);

/** All endpoints are in us: what reaches eu is relayed. Clients may show certificates by `https`. */
async function world(kind: 'region' | 'edge' = 'region') {
  const origins = { inner: await RawOrigin.listen(), outer: await RawOrigin.listen() };
  for (const [name, origin] of Object.entries(origins)) {
    origin.respond = (_, socket) => void socket.write(okResponse(name));
  }
  const config = (linkPort: number): ConfigInput => ({
    regions: {
      eu: { address: addresses.eu, location, kind },
      us: { address: addresses.us, location },
    },
    ports: { link: linkPort },
    plugins: { subject: plugin },
    listeners: { inside: { port: 1, protocol: 'http' } },
    services: Object.fromEntries(
      Object.entries(origins).map(([name, { port }]) => [
        name,
        { endpoints: { us: [`127.0.0.1:${port}`] } },
      ]),
    ),
    routes: [
      { name: 'admin', service: 'inner', listeners: ['inside'] },
      { name: 'all', service: 'outer', policies: [{ type: 'plugin', plugin: 'subject' }] },
    ],
  });
  const clients = { ca: partners.cert, mode: 'request' } as const;
  const listen = (host: string) => ({
    http: { host, port: 0 },
    inside: { host, port: 0 },
    https: { host, port: 0, tls: { certificates: [server], clients } },
  });
  const link = { host: addresses.us, port: 0, identity: us! };
  const back = await startGateway({
    config: config(1),
    region: 'us',
    listen: { ...listen(addresses.us), link },
  });
  const front = await startGateway({
    config: config(back.gateway.ports.link!),
    identity: eu!,
    listen: listen(addresses.eu),
  });
  front.health.setGateway(1, healthy);
  for (const service of [0, 1]) front.health.setService(service, 1, healthy);
  return {
    origins,
    front,
    back,
    /** The body of what a request by that listener is answered with. */
    async get(region: 'eu' | 'us', listener: string, fields = '') {
      const { gateway } = region === 'eu' ? front : back;
      using client = await RawClient.connect(gateway.ports[listener]!, addresses[region]);
      return (await client.request(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)).body;
    },
    /** Over TLS; what its service was told. */
    async told(region: 'eu' | 'us', shown: ConnectionOptions, fields = '') {
      using client = await RawClient.connectTls({
        host: addresses[region],
        port: (region === 'eu' ? front : back).gateway.ports.https!,
        servername: 'a.test',
        ca: authority.cert,
        ...shown,
      });
      await client.request(`GET / HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`);
      return origins.outer.requests.at(-1)!.head;
    },
    async [Symbol.asyncDispose]() {
      for (const { gateway, defects } of [front, back]) {
        await gateway.close();
        assert.deepEqual(defects, []);
      }
      for (const origin of Object.values(origins)) await origin.close();
    },
  };
}

test('a route bound to a listener is for its requests only, relayed ones too', async () => {
  await using w = await world();
  for (const region of ['us', 'eu'] as const) {
    assert.equal(await w.get(region, 'http'), 'outer', region);
    assert.equal(await w.get(region, 'inside'), 'inner', region);
  }
  assert.deepEqual(
    w.back.log.map(({ hop, route }) => `${hop} ${route}`),
    ['0 all', '0 admin', '1 all', '1 admin'],
  );
});

test('by which listener a request came in is for nobody to claim', async () => {
  await using w = await world();
  for (const region of ['us', 'eu'] as const) {
    const forged = 'Meridian-Listener: inside\r\nmeridian-hop: 1\r\n';
    assert.equal(await w.get(region, 'http', forged), 'outer', region);
  }
  for (const { head } of w.origins.outer.requests) assert.doesNotMatch(head, /^meridian-/im);
});

test('policies know the verified certificate of the client, and so does a service elsewhere', async () => {
  await using w = await world();
  await seesCertificate(w);
});

test('behind an edge they run in the region, and know the certificate shown to the edge', async () => {
  await using w = await world('edge');
  await seesCertificate(w);
});

async function seesCertificate(w: Awaited<ReturnType<typeof world>>): Promise<void> {
  const fingerprint = new X509Certificate(partner.cert).fingerprint256.replaceAll(':', '');
  for (const region of ['us', 'eu'] as const) {
    const head = await w.told(region, partner);
    assert.match(head, /^X-Subject: CN=orders,O=Example\r$/m);
    assert.match(head, /^X-Names: URI spiffe:\/\/example\/orders\r$/m);
    assert.match(head, new RegExp(`^X-Fingerprint: ${fingerprint}\r$`, 'mi'));
  }
}

for (const kind of ['region', 'edge'] as const) {
  test(`nobody is known by what a request to a region of kind ${kind} says`, async () => {
    await using w = await world(kind);
    const forged = [
      ...[
        'Client-Cert: :AA=:',
        'X-Subject: CN=orders',
        'Meridian-Hop: 1',
        'X-Forwarded-For: 9.9.9.9',
      ],
      ...['Meridian-Policies: done', `Meridian-Client-Certificate: ${btoa('{}')}`],
    ].join('\r\n');
    for (const region of ['us', 'eu'] as const) {
      const head = await w.told(region, {}, `${forged}\r\n`);
      assert.deepEqual(head.match(/^x-subject:.*$/gim), ['X-Subject: nobody']);
      assert.deepEqual(head.match(/^x-forwarded-for:.*$/gim), ['X-Forwarded-For: 127.0.0.1']);
      assert.equal(head.match(/^forwarded:/gim)?.length, 1);
      assert.doesNotMatch(head, /^(client-cert|meridian-)/im);
    }
  });
}
