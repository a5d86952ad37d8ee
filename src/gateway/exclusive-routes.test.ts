import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { freePort } from '../../test/support/free-ports.ts';
import { type StartedGateway, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { type ConfigInput, configSchema } from '../config/schema/config.ts';
import { healthy } from '../health/table.ts';
import { createAuthority, issueRegionIdentity } from '../link/authority.ts';
import { explainRequest } from './explain/explain.ts';

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const addresses = { eu: '127.0.21.1', us: '127.0.22.1', ap: '127.0.23.1' };
const names = ['eu', 'us'] as const;
const location = { latitude: 50, longitude: 8 };
const authority = await createAuthority();
const never = 1e12;

interface Options {
  readonly elsewhere?: 'refuse' | 'relay';
  /** Name of the endpoint's host in eu. */
  readonly host?: string;
  readonly resolve?: () => Promise<{ addresses: string[]; ttlMs: number }>;
}

/** Two regions that may be active, each with an origin, and nobody is. */
async function world({ elsewhere = 'refuse', host = '127.0.0.1', resolve }: Options = {}) {
  const origins = { eu: await RawOrigin.listen(), us: await RawOrigin.listen() };
  for (const name of names) {
    origins[name].respond = (_request, socket) => void socket.write(okResponse(`from ${name}`));
  }
  const clock = new ManualClock();
  const linkPort = await freePort(...Object.values(addresses));
  const endpoints = { eu: [`${host}:${origins.eu.port}`], us: [`127.0.0.1:${origins.us.port}`] };
  const config: ConfigInput = {
    regions: Object.fromEntries(
      Object.entries(addresses).map(([name, address]) => [name, { address, location }]),
    ),
    ports: { link: linkPort },
    exclusive: { ledger: { regions: ['eu', 'us'], elsewhere } },
    services: { s: { endpoints }, own: { endpoints, exclusive: 'ledger' } },
    routes: [
      { name: 'shared', prefix: '/shared', service: 's' },
      { name: 'of-route', prefix: '/route', service: 's', exclusive: 'ledger' },
      { name: 'of-service', prefix: '/service', service: 'own' },
    ],
  };
  const gateways = {} as Record<'eu' | 'us', StartedGateway>;
  for (const name of names) {
    const identity = await issueRegionIdentity(authority, name, { addresses: [addresses[name]] });
    gateways[name] = await startGateway({
      config,
      region: name,
      identity,
      clock,
      listen: {
        http: { host: addresses[name], port: 0 },
        link: { host: addresses[name], port: linkPort, identity },
      },
      ...(resolve && { names: { resolve, close: () => undefined } }),
    });
    const { health, topology } = gateways[name];
    for (const region of topology.regions) {
      health.setGateway(region.index, healthy);
      for (const { index } of topology.services) health.setService(index, region.index, healthy);
    }
  }
  const client = await RawClient.connect(gateways.eu.port, addresses.eu);
  return {
    origins,
    gateways,
    client,
    config,
    clock,
    async [Symbol.asyncDispose]() {
      client.close();
      for (const name of names) {
        await gateways[name].gateway.close();
        assert.deepEqual(gateways[name].defects, []);
        await origins[name].close();
      }
    },
  };
}

const codeOf = (body: string) => (JSON.parse(body) as { code: string }).code;

test('what is exclusive is served in the active region only, with its fencing token', async () => {
  await using w = await world();
  const { exclusive } = w.gateways.eu.health;
  for (const path of ['/route', '/service']) {
    const refused = await w.client.request(get(path));
    assert.match(refused.head, /^HTTP\/1\.1 503 /);
    assert.equal(codeOf(refused.body), 'not_active');
  }
  assert.equal((await w.client.request(get('/shared'))).body, 'from eu');
  assert.doesNotMatch(w.origins.eu.requests[0]!.head, /fencing/i);
  exclusive.write(0, never, 4_711, -1);
  const forged = 'Meridian-Fencing-Token: 9999\r\n';
  for (const path of ['/route', '/service']) {
    assert.equal((await w.client.request(get(path, forged))).body, 'from eu');
    const { head } = w.origins.eu.requests.at(-1)!;
    assert.deepEqual(head.match(/meridian-fencing-token: .*/gi), ['Meridian-Fencing-Token: 4711']);
  }
});

test('a claim ends by the clock alone, on a connection that is open', async () => {
  await using w = await world();
  w.gateways.eu.health.exclusive.write(0, w.clock.monotonicMs() + 150, 7, -1);
  for (const passedMs of [0, 149]) {
    w.clock.advance(passedMs);
    assert.equal((await w.client.request(get('/route'))).body, 'from eu');
  }
  w.clock.advance(1);
  assert.equal(codeOf((await w.client.request(get('/route'))).body), 'not_active');
});

test('a request that waited for its connection is not sent when the claim ended meanwhile', async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<{ addresses: string[]; ttlMs: number }>();
  const resolve = () => {
    asked.resolve();
    return answer.promise;
  };
  await using w = await world({ host: 'ledger.test', resolve });
  const { exclusive } = w.gateways.eu.health;
  exclusive.write(0, never, 7, -1);
  const response = w.client.request(get('/route'));
  await asked.promise;
  exclusive.write(0, 0, 7, 1);
  answer.resolve({ addresses: ['127.0.0.1'], ttlMs: 60_000 });
  assert.equal(codeOf((await response).body), 'not_active');
  assert.equal(w.origins.eu.requests.length, 0);
});

test('elsewhere it is relayed to the active region where that is wanted, and to no other', async () => {
  await using w = await world({ elsewhere: 'relay' });
  const { eu, us } = w.gateways;
  assert.equal(codeOf((await w.client.request(get('/route'))).body), 'not_active');
  eu.health.exclusive.write(0, 0, 0, 1);
  // The other region has the last word about itself.
  assert.equal(codeOf((await w.client.request(get('/route'))).body), 'not_active');
  us.health.exclusive.write(0, never, 12, -1);
  assert.equal((await w.client.request(get('/route'))).body, 'from us');
  assert.match(w.origins.us.requests[0]!.head, /^Meridian-Fencing-Token: 12\r$/m);
  eu.health.exclusive.write(0, 0, 0, 2);
  assert.equal(codeOf((await w.client.request(get('/route'))).body), 'not_active');
  assert.equal(w.origins.eu.requests.length, 0);
});

test('an explanation says who is active', async () => {
  await using w = await world();
  const { health } = w.gateways.eu;
  const config = configSchema.parse(w.config);
  const question = { method: 'GET', url: 'http://a/route' };
  const explain = () => explainRequest({ config, region: 'eu', health }, question);
  assert.deepEqual(explain().exclusive, { set: 'ledger', activeRegion: undefined });
  assert.ok('code' in explain().outcome && explain().outcome.kind === 'problem');
  health.exclusive.write(0, 0, 0, 1);
  assert.deepEqual(explain().exclusive, { set: 'ledger', activeRegion: 'us' });
  health.exclusive.write(0, never, 3, 1);
  assert.equal(explain().outcome.kind, 'endpoint');
});

test('what still sends when the claim ends is broken off, what the service has whole is not', async () => {
  await using w = await world();
  const { gateways, origins } = w;
  const { exclusive } = gateways.eu.health;
  exclusive.write(0, never, 7, -1);
  const connect = () => RawClient.connect(gateways.eu.port, addresses.eu);
  const [tunnel, upload, whole, shared] = await Promise.all(Array.from({ length: 4 }, connect));
  const answers: (() => void)[] = [];
  origins.eu.respond = ({ head }, socket) => {
    const switching = 'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi';
    if (head.includes('websocket')) socket.write(switching);
    else answers.push(() => void socket.write(okResponse('late')));
  };
  tunnel!.send(get('/route', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
  await tunnel!.until('hi');
  const post = (path: string) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc`;
  upload!.send(post('/service'));
  shared!.send(post('/shared'));
  whole!.send(get('/route'));
  const begun = () => origins.eu.received.filter((text) => text.endsWith('abc')).length === 2;
  await eventually('all are under way', () => begun() && answers.length === 1);
  exclusive.write(0, 0, 7, 1);
  await tunnel!.rest();
  assert.equal(codeOf((await upload!.response()).body), 'no_longer_active');
  answers[0]!();
  assert.equal((await whole!.response()).body, 'late');
  shared!.send('defghi');
  await eventually('the shared one arrives', () => answers.length === 2);
  answers[1]!();
  assert.equal((await shared!.response()).body, 'late');
  for (const client of [tunnel, upload, whole, shared]) client!.close();
});
