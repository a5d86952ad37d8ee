import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import { oneRegion, startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../../test/support/raw-origin.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { healthy, unhealthy } from '../../health/table.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';
const put = 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz';

/** Two origins behind one gateway; `dead` of them is closed and its port free. */
async function world(options: { dead?: 'first' | 'both'; timeouts?: Record<string, string> } = {}) {
  const origins = [await RawOrigin.listen(), await RawOrigin.listen()] as const;
  for (const [index, origin] of origins.entries()) {
    origin.respond = (_request, socket) => void socket.write(okResponse(`from ${index}`));
  }
  const config = oneRegion(origins[0].port, origins[1].port);
  config.services!.s!.timeouts = options.timeouts ?? {};
  if (options.dead) await origins[0].close();
  if (options.dead === 'both') await origins[1].close();
  const started = await startGateway({ config });
  const client = await RawClient.connect(started.port);
  return {
    origins,
    client,
    ...started,
    async [Symbol.asyncDispose]() {
      client.close();
      await started.gateway.close();
      if (!options.dead) await origins[0].close();
      if (options.dead !== 'both') await origins[1].close();
      assert.deepEqual(started.defects, []);
    },
  };
}

test('a dead endpoint is passed over for any method, then ejected', async () => {
  await using w = await world({ dead: 'first' });
  for (let n = 0; n < 6; n++) {
    const response = await w.client.request(n % 2 === 0 ? get : post);
    assert.equal(response.body, 'from 1');
  }
  assert.ok(w.health.ejected(0));
  assert.ok(!w.health.ejected(1));
  const retried = w.log.filter(({ retries }) => retries === 1);
  assert.equal(retried.length, 2, 'two failures in a row eject; after that nobody tries');
});

test('no endpoint at all: 502 while it is believed in, 503 as the last resort', async () => {
  await using w = await world({ dead: 'both' });
  w.health.setService(0, 0, healthy);
  const first = await w.client.request(get);
  assert.equal(first.status, 502);
  assert.equal(JSON.parse(first.body).code, 'upstream_connect_failed');
  w.health.setService(0, 0, unhealthy);
  const second = await w.client.request(get);
  assert.equal(second.status, 503);
  assert.equal(JSON.parse(second.body).code, 'no_usable_endpoint');
  assert.doesNotMatch(second.body, /127\.0\.0\.1|ECONN/);
});

test('an unhealthy service with a living endpoint is served as the last resort', async () => {
  await using w = await world();
  w.health.setService(0, 0, unhealthy);
  assert.equal((await w.client.request(get)).status, 200);
});

test('a request that may have been carried out is not sent twice', async () => {
  await using w = await world();
  for (const origin of w.origins) origin.respond = (_request, socket) => void socket.destroy();
  const response = await w.client.request(post);
  assert.equal(response.status, 502);
  assert.equal(JSON.parse(response.body).code, 'upstream_closed');
  assert.equal(w.origins[0].requests.length + w.origins[1].requests.length, 1);
  const safe = await w.client.request(get);
  assert.equal(safe.status, 502);
  assert.equal(w.origins[0].requests.length + w.origins[1].requests.length, 3);
});

test('the keep-alive race: a connection that dies as it is used again costs nobody anything', async () => {
  await using w = await world();
  let served = 0;
  const oncePerConnection = (_request: unknown, socket: import('node:net').Socket): void => {
    if (++served <= 2) socket.write(okResponse('first'));
    else if (socket.bytesWritten > 0) socket.destroy();
    else socket.write(okResponse('fresh'));
  };
  for (const origin of w.origins) origin.respond = oncePerConnection;
  assert.equal((await w.client.request(get)).body, 'first');
  assert.equal((await w.client.request(get)).body, 'first');
  for (const again of [get, put]) assert.equal((await w.client.request(again)).body, 'fresh');
  const contents = w.origins.flatMap(({ requests }) => requests).map(({ body }) => body);
  assert.deepEqual(
    contents.filter((body) => body !== ''),
    ['xyz', 'xyz'],
    'content and all',
  );
  assert.ok(!w.health.ejected(0) && !w.health.ejected(1));
});

test('an endpoint that is silent: another for GET, 504 for POST', async () => {
  await using w = await world({ timeouts: { firstByte: '200ms' } });
  w.origins[0].respond = () => {};
  w.origins[1].respond = () => {};
  const response = await w.client.request(post);
  assert.equal(response.status, 504);
  assert.equal(JSON.parse(response.body).code, 'upstream_timeout');
  const silent = w.origins[0].requests.length === 1 ? 1 : 0;
  w.origins[silent ? 1 : 0].respond = (_request, socket) => void socket.write(okResponse('other'));
  assert.equal((await w.client.request(get)).body, 'other');
});

test('an endpoint that never accepts is given up after the connect limit', async () => {
  // TEST-NET-1 is not routed; where the network refuses at once this is a plain failure.
  await using origin = await RawOrigin.listen();
  const config = oneRegion(origin.port);
  config.services!.s!.endpoints = { eu: ['192.0.2.1:80', `127.0.0.1:${origin.port}`] };
  config.services!.s!.timeouts = { connect: '100ms' };
  await using started = await startGateway({ config });
  const { port } = started;
  using client = await RawClient.connect(port);
  for (let n = 0; n < 3; n++) assert.equal((await client.request(get)).status, 200);
});

test('waiting requests leave an endpoint when it is ejected', async () => {
  await using w = await world();
  for (const [index, origin] of w.origins.entries()) {
    origin.respond = (_request, socket) => {
      // The first to be asked says nothing at all.
      if (w.origins[0].requests.length + w.origins[1].requests.length > 1) {
        socket.write(okResponse(`from ${index}`));
      }
    };
  }
  w.client.send(get);
  await eventually('the request', () => w.origins.some(({ requests }) => requests.length === 1));
  const silent = w.origins[0].requests.length === 1 ? 0 : 1;
  const endpoint = w.topology.endpoints[silent]!;
  assert.ok(w.health.eject(endpoint, w.topology.endpoints, 0.5));
  assert.equal((await w.client.response()).body, `from ${1 - silent}`);
});

test('weights are kept', async () => {
  const origins = [await RawOrigin.listen(), await RawOrigin.listen(), await RawOrigin.listen()];
  const config = oneRegion();
  config.services!.s!.endpoints = {
    eu: origins.map(({ port }, index) => ({
      address: `127.0.0.1:${port}`,
      weight: [3, 1, 0][index]!,
    })),
  };
  await using started = await startGateway({ config });
  const { gateway, port } = started;
  using client = await RawClient.connect(port);
  for (let n = 0; n < 8; n++) await client.request(get);
  assert.deepEqual(
    origins.map(({ requests }) => requests.length),
    [6, 2, 0],
  );
  client.close();
  await gateway.close();
  for (const origin of origins) await origin.close();
});

test('idle connections go before the upstream would close them', async () => {
  await using origin = await RawOrigin.listen();
  const clock = new ManualClock();
  await using started = await startGateway({
    config: oneRegion(origin.port),
    limits: { upstreamIdleMs: 100 },
    clock,
  });
  using client = await RawClient.connect(started.port);
  await client.request(get);
  await eventually('the idle connection to go', () => {
    clock.advance(20);
    return origin.sockets.size === 0;
  });
  assert.ok(clock.monotonicMs() < 3_500, 'before its usual time');
});

test('an upstream that announces how long it keeps connections is believed', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({
    config: oneRegion(origin.port),
    limits: { upstreamIdleMs: 3_600_000 },
  });
  using client = await RawClient.connect(started.port);
  origin.respond = (_request, socket) =>
    void socket.write(okResponse('x', 'Keep-Alive: timeout=1\r\n'));
  await client.request(get);
  await eventually('it not to be kept', () => origin.sockets.size === 0);
});

test('a pool that is full answers 503 and says so', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({
    config: oneRegion(origin.port),
    limits: { upstreamConnections: 1 },
  });
  const { port } = started;
  origin.respond = () => {};
  using first = await RawClient.connect(port);
  using second = await RawClient.connect(port);
  first.send(get);
  await eventually('the first', () => origin.requests.length === 1);
  const response = await second.request(get);
  assert.equal(response.status, 503);
  assert.equal(JSON.parse(response.body).code, 'upstream_saturated');
});
