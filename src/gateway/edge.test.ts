import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../test/support/eventually.ts';
import { linkedRegions } from '../../test/support/linked-gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import { configSchema } from '../config/schema/config.ts';
import { healthy, unhealthy, unknown } from '../health/table.ts';
import { weightsOf } from '../steering/shifts/subject.ts';
import { replayBytes } from './exchange/replay-buffer.ts';
import { explainRequest } from './explain/explain.ts';

const get = 'GET /p HTTP/1.1\r\nHost: a\r\n\r\n';
const withBody = (method: string, body: string) =>
  `${method} /p HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const addresses = { edge: '127.0.21.1', us: '127.0.22.1', ap: '127.0.23.1' };
const names = ['edge', 'us', 'ap'] as const;
const regions = ['us', 'ap'] as const;
const tenant = fileURLToPath(new URL('./policies/testdata/tenant.ts', import.meta.url));
const location = { latitude: 0, longitude: 0 };
const linked = await linkedRegions({
  regions: {
    edge: { address: addresses.edge, location, kind: 'edge' },
    us: { address: addresses.us, location },
    ap: { address: addresses.ap, location },
  },
  closeMs: 50,
  // All gateways share one thread here.
  timeouts: { connect: '10s' },
});

/** An edge and two regions; `us` is 10 ms away and `ap` 20. */
async function world(...adjust: Parameters<typeof linked.world>) {
  const deployment = await linked.world(...adjust);
  const { origins, gateways, client, configOf } = deployment;
  const { health } = gateways.edge;
  const at = (region: 'us' | 'ap') => names.indexOf(region);
  health.setRoundTripMs(at('us'), 10);
  health.setRoundTripMs(at('ap'), 20);
  return {
    ...deployment,
    config: configSchema.parse(configOf('edge')),
    health,
    at,
    /** `us` takes requests and answers none, until it is lost. */
    async lose(request: string): Promise<void> {
      const seen = origins.us.requests.length;
      origins.us.respond = () => {};
      client.send(request);
      await eventually('the request in us', () => origins.us.requests.length > seen);
      await gateways.us.gateway.close();
    },
  };
}

const codeOf = (body: string): unknown => JSON.parse(body).code;

test('an edge relays to the region with the shortest round trip, over a connection that it keeps', async () => {
  await using w = await world();
  for (let n = 0; n < 5; n++) {
    const { head, body } = await w.client.request(get);
    assert.equal(body, 'from us');
    assert.match(head, /^Meridian-Region: us\r$/m);
  }
  const { block, layout } = w.gateways.us.metrics;
  const link = block.first('opened') + layout.listeners.indexOf('link');
  assert.equal(block.words[link], 1, 'one connection over the link');
  w.health.setRoundTripMs(w.at('ap'), 2);
  w.health.setGateway(w.at('us'), healthy);
  assert.equal((await w.client.request(get)).body, 'from ap');
  const { head } = w.origins.us.requests[0]!;
  assert.match(head, /^X-Forwarded-For: 127\.0\.0\.1\r$/m);
  assert.match(head, /^Via: 1\.1 edge\.meridian\r$/m);
  assert.doesNotMatch(head, /^meridian-/im);
  assert.deepEqual([w.gateways.edge.log[0]!.hop, w.gateways.us.log[0]!.hop], [0, 1]);
});

test('policies of a service run once, in the region; those of an answer at the edge', async () => {
  const options = { header: 'X-Tenant', mode: 'now' };
  const policies = [
    { type: 'headers' as const, request: { add: { 'X-Seen': 'yes' } } },
    { type: 'plugin' as const, plugin: 'tenant', options },
  ];
  await using w = await world((config) => {
    config.plugins = { tenant };
    config.routes = [
      { name: 'home', exact: '/home', redirect: { path: '/p' }, policies },
      { name: 'all', pattern: '/:tenant', service: 's', policies },
    ];
  });
  const { head } = await w.client.request(get);
  assert.match(head, /^X-Served-For: p\r$/m);
  const seen = w.origins.us.requests[0]!.head;
  assert.equal(seen.match(/^X-Seen: yes\r$/gm)?.length, 1);
  assert.match(seen, /^X-Tenant: p\r$/m);
  assert.match(seen, /^X-Forwarded-For: 127\.0\.0\.1\r$/m);
  assert.match(seen, /^Forwarded: for=127\.0\.0\.1;/m);
  assert.doesNotMatch(seen, /^meridian-/im);
  const ask = async (path: string) => {
    const before = w.gateways.us.log.length;
    const { status } = await w.client.request(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    return [status, w.gateways.us.log.length - before];
  };
  assert.deepEqual(await ask('/p?deny'), [403, 1], 'refused in the region');
  assert.deepEqual(await ask('/home?deny'), [403, 0], 'refused at the edge');
  assert.deepEqual(await ask('/home'), [302, 0]);
});

test('policies that the edge has not heard of run in the region, whichever of both is behind', async () => {
  // Who still holds the edge for a region.
  for (const behind of [undefined, 'edge', 'us'] as const) {
    await using w = await world((config, name) => {
      if (name === behind) config.regions.edge!.kind = 'region';
      const policies = [{ type: 'headers' as const, request: { add: { 'X-Seen': 'yes' } } }];
      config.routes = [{ name: 'all', service: 's', ...(name !== 'edge' && { policies }) }];
    });
    const { body } = await w.client.request(get);
    assert.equal(body, 'from us');
    const { head } = w.origins.us.requests[0]!;
    assert.equal(head.match(/^X-Seen: yes\r$/gm)?.length, 1, `${behind} is behind`);
    assert.doesNotMatch(head, /^meridian-/im);
  }
});

test('a region lost in mid-flight: what is idempotent goes to the next one, content and all', async () => {
  for (const request of [get, withBody('PUT', 'x'.repeat(replayBytes))]) {
    await using w = await world();
    await w.lose(request);
    const { status, body } = await w.client.response();
    assert.deepEqual([status, body], [200, 'from ap']);
    const there = w.origins.ap.requests[0]!;
    assert.equal(there.body, w.origins.us.requests[0]!.body);
  }
});

test('all that waits in a lost region goes to the next one: no budget of retries holds it back', async () => {
  await using w = await world();
  w.origins.us.respond = () => {};
  const clients = await Promise.all(
    Array.from({ length: 40 }, () => RawClient.connect(w.gateways.edge.port, addresses.edge)),
  );
  for (const client of clients) client.send(get);
  await eventually('all in us', () => w.origins.us.requests.length === clients.length);
  await w.gateways.us.gateway.close();
  for (const client of clients) assert.equal((await client.response()).body, 'from ap');
  for (const client of clients) client.close();
});

test('what is not, or is longer than is kept, is answered once, with the code of what happened', async () => {
  const long = 'x'.repeat(replayBytes + 1);
  const chunks = `${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`;
  for (const request of [
    withBody('POST', 'abc'),
    withBody('PUT', long),
    `PUT /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
  ]) {
    await using w = await world();
    await w.lose(request);
    const { status, body } = await w.client.response();
    assert.deepEqual([status, codeOf(body)], [502, 'upstream_closed'], request.slice(0, 60));
    assert.equal(w.origins.ap.requests.length, 0);
  }
});

test('a request that a region has no room for goes to the next one, whatever its method', async () => {
  await using w = await world((config) => {
    config.services!.s!.concurrency = { maximum: 1, queue: 0 };
  });
  w.origins.us.respond = () => {};
  w.client.send(get);
  await eventually('the first', () => w.origins.us.requests.length === 1);
  using second = await RawClient.connect(w.gateways.edge.port, addresses.edge);
  assert.equal((await second.request(withBody('POST', 'abc'))).body, 'from ap');
  assert.equal(w.origins.ap.requests[0]!.body, 'abc');
  assert.equal(w.gateways.us.log[0]!.error, 'service_saturated');
  w.health.setGateway(w.at('us'), unhealthy);
  assert.equal((await w.client.response()).body, 'from ap', 'the limit is not one of the edge');
});

test('a region stops being active while it is sent a request: what is not idempotent goes nowhere else', async () => {
  await using w = await world((config) => {
    config.exclusive = { ledger: { regions: ['us', 'ap'] } };
    config.routes![0]!.exclusive = 'ledger';
  });
  const { edge, us, ap } = w.gateways;
  const turnTo = (region: 'us' | 'ap', token: number) => {
    edge.health.exclusive.write(0, 0, 0, w.at(region));
    us.health.exclusive.write(0, region === 'us' ? 1e12 : 0, token, w.at(region));
    ap.health.exclusive.write(0, region === 'ap' ? 1e12 : 0, token, w.at(region));
  };
  turnTo('us', 1);
  w.client.send(withBody('POST', 'abcdef').slice(0, -3));
  await eventually('some of it in us', () => w.origins.us.received.at(-1)?.endsWith('abc'));
  turnTo('ap', 2);
  await eventually('us has noticed', () => us.log.length === 1);
  w.client.send('def');
  const { status, body } = await w.client.response();
  assert.deepEqual([status, codeOf(body)], [502, 'no_longer_active']);
  assert.equal(w.origins.ap.received.length, 0);
});

test('a connection over a long way has its round trips besides the limit', async () => {
  await using w = await world((config) => {
    config.services!.s!.timeouts = { connect: '50ms' };
  });
  await w.gateways.us.gateway.close();
  const silent = await RawOrigin.listen(addresses.us, w.linkPort);
  w.health.setRoundTripMs(w.at('us'), 300);
  w.health.setService(0, w.at('ap'), unknown);
  const startedMs = performance.now();
  await w.client.request(get);
  const tookMs = performance.now() - startedMs;
  assert.equal(silent.received.length, 1);
  assert.ok(tookMs >= 600, `given up after ${tookMs} ms`);
  await silent.close();
});

test('draining: no new requests, and those under way are answered where they are', async () => {
  await using w = await world();
  const waiting = Promise.withResolvers<() => void>();
  w.origins.us.respond = (_request, socket) =>
    waiting.resolve(() => void socket.write(okResponse('late')));
  w.client.send(get);
  const answer = await waiting.promise;
  w.health.setDraining(w.at('us'), true);
  using second = await RawClient.connect(w.gateways.edge.port, addresses.edge);
  assert.equal((await second.request(get)).body, 'from ap');
  answer();
  assert.equal((await w.client.response()).body, 'late');
  assert.equal(w.origins.us.requests.length, 1);
});

test('a region that gives clients away keeps its share of them, and takes all when the others are lost', async () => {
  await using w = await world();
  const subject = { kind: 'region', region: 'us' } as const;
  const { basis } = weightsOf(subject, w.config)!;
  const shift = (share: number) =>
    w.gateways.edge.gateway.useShifts([{ subject, to: 'us', share, basis }]);
  const servedBy = async (network: number) => {
    const localAddress = `127.${network >> 8}.${network & 255}.9`;
    using client = await RawClient.connect(w.gateways.edge.port, addresses.edge, localAddress);
    return (await client.request(get)).body;
  };
  const networks = Array.from({ length: 60 }, (_, at) => 0x6400 + at);
  const all = () => Promise.all(networks.map(servedBy));
  shift(0.5);
  const half = await all();
  assert.deepEqual(await all(), half, 'each client stays where it is');
  const stayed = half.filter((body) => body === 'from us').length;
  assert.ok(stayed > 15 && stayed < 45, `${stayed} of 60 stayed`);
  for (const [at, network] of networks.entries()) {
    const client = `127.${network >> 8}.${network & 255}.9`;
    const { outcome } = explainRequest(
      {
        ...{ config: w.config, region: 'edge', health: w.health },
        shifts: [{ subject, to: 'us', share: 0.5, basis }],
      },
      { method: 'GET', url: 'http://a/p', client },
    );
    assert.match(
      outcome.text,
      half[at] === 'from us' ? /^relayed to us, 10/ : /^relayed to ap, 20/,
    );
  }
  shift(0);
  assert.deepEqual(new Set(await all()), new Set(['from ap']));
  w.health.setService(0, w.at('ap'), unhealthy);
  assert.equal((await w.client.request(get)).body, 'from us');
  w.health.setService(0, w.at('ap'), healthy);
  shift(1);
  assert.deepEqual(new Set(await all()), new Set(['from us']));
});

test('no region is fit: the least bad is tried', async () => {
  await using w = await world();
  w.health.setGateway(w.at('us'), unhealthy);
  w.health.setService(0, w.at('ap'), unhealthy);
  assert.equal((await w.client.request(get)).body, 'from ap');
  w.health.setDraining(w.at('ap'), true);
  assert.equal((await w.client.request(get)).body, 'from us');
});

test('no region can be reached: 503, after each was tried once', async () => {
  await using w = await world();
  for (const region of regions) await w.gateways[region].gateway.close();
  const { status, body } = await w.client.request(get);
  assert.deepEqual([status, codeOf(body)], [503, 'no_usable_endpoint']);
  assert.equal(w.gateways.edge.log[0]!.retries, 1);
});

test('residency is obeyed by retries too', async () => {
  await using w = await world((config) => {
    config.services!.s!.residency = ['us'];
  });
  await w.lose(get);
  const { status, body } = await w.client.response();
  assert.deepEqual([status, codeOf(body)], [502, 'upstream_closed']);
  assert.equal(w.origins.ap.requests.length, 0);
});
