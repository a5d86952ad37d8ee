import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { oneRegion, revisionOf, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import type { ConfigInput } from '../config/schema/config.ts';
import { families } from '../observability/gateway-layout.ts';
import type { GatewayMetrics } from '../observability/gateway-metrics.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** Two origins that say which they are, and a gateway that sends everything to the first. */
async function world() {
  const origins = [await RawOrigin.listen(), await RawOrigin.listen()] as const;
  for (const [index, origin] of origins.entries()) {
    origin.respond = (_request, socket) => void socket.write(okResponse(`from ${index}`));
  }
  const started = await startGateway({
    config: oneRegion(origins[0].port),
    limits: { upstreamIdleMs: 60_000 },
  });
  return {
    ...started,
    origins,
    async [Symbol.asyncDispose]() {
      await started.gateway.close();
      for (const origin of origins) await origin.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

/** What a layout of one route counted: for no route, and for that route. */
function counted({ block }: GatewayMetrics): readonly number[] {
  const { width } = families.routes;
  const slots = block.widthOf('routes') / width;
  const routes = Array.from({ length: slots }, (_, at) => {
    const first = block.first('routes') + at * width;
    return block.words.subarray(first, first + 5).reduce((sum, value) => sum + value, 0);
  });
  return routes;
}

/** The same service at another port, and routes before the one that counts: its index differs. */
function secondRevision(port: number): ConfigInput {
  const config = oneRegion(port);
  config.routes = [
    { name: 'other', prefix: '/other', service: 's' },
    { name: 'more', prefix: '/more', service: 's' },
    { name: 'all', service: 's' },
  ];
  return config;
}

test('a swap under load: no request fails, both revisions serve, their counts do not mix', async () => {
  await using w = await world();
  const next = revisionOf({ config: secondRevision(w.origins[1].port) });
  const bodies: string[] = [];
  let [committed, stopped] = [false, false];
  const load = Array.from({ length: 16 }, async () => {
    using client = await RawClient.connect(w.port);
    while (!stopped) {
      const isOfSecond = committed;
      const { status, body, head } = await client.request(get);
      assert.equal(status, 200);
      assert.doesNotMatch(head, /^Connection: close\r$/m);
      if (isOfSecond) assert.equal(body, 'from 1', 'only what was under way is of the first');
      bodies.push(body);
    }
  });
  await eventually('the first revision', () => bodies.length > 300);
  const prepared = await w.gateway.prepare(next);
  const before = bodies.length;
  await eventually('the first revision after a preparation', () => bodies.length > before + 100);
  assert.ok(bodies.every((body) => body === 'from 0'));
  const { drained } = prepared.commit();
  committed = true;
  await drained;
  const drainedAt = bodies.length;
  await eventually('the second revision', () => bodies.length > drainedAt + 300);
  stopped = true;
  await Promise.all(load);
  const second = bodies.length - bodies.filter((body) => body === 'from 0').length;
  assert.deepEqual(counted(w.metrics), [0, bodies.length - second]);
  assert.deepEqual(counted(next.metrics), [0, 0, 0, second]);
  await eventually('the pool of the old endpoint to close', () => w.origins[0].sockets.size === 0);
});

test('what is under way ends on the revision in which it began, and then it is drained', async () => {
  await using w = await world();
  using client = await RawClient.connect(w.port);
  using short = await RawClient.connect(w.port);
  const asked: Socket[] = [];
  w.origins[0].respond = (_request, socket) => void asked.push(socket);
  client.send(get);
  await eventually('the first request', () => asked.length === 1);
  short.send(get);
  await eventually('the second request', () => asked.length === 2);
  const [upstream, shortUpstream] = asked as [Socket, Socket];
  upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
  await client.until('first');
  const next = revisionOf({ config: secondRevision(w.origins[1].port) });
  const { drained } = (await w.gateway.prepare(next)).commit();
  let over = false;
  void drained.then(() => {
    over = true;
  });
  shortUpstream.write(okResponse('short'));
  assert.equal((await short.response()).body, 'short');
  assert.equal((await short.request(get)).body, 'from 1');
  assert.ok(!over, 'the slow response is under way');
  upstream.write('6\r\nsecond\r\n0\r\n\r\n');
  assert.equal((await client.response()).body, 'firstsecond');
  await drained;
  assert.deepEqual(counted(w.metrics), [0, 2]);
  await eventually('its connection to close', () => w.origins[0].sockets.size === 0);
  assert.equal((await client.request(get)).body, 'from 1');
  assert.deepEqual(counted(next.metrics), [0, 0, 0, 2]);
});

test('a request under way is sent again within its own revision, to an endpoint that is gone', async () => {
  await using w = await world();
  await using third = await RawOrigin.listen();
  third.respond = (_request, socket) => void socket.write(okResponse('from 2'));
  const two = revisionOf({ config: oneRegion(w.origins[0].port, third.port) });
  (await w.gateway.prepare(two)).commit();
  w.origins[0].respond = () => {};
  using client = await RawClient.connect(w.port);
  client.send(get);
  await eventually('the request', () => w.origins[0].requests.length === 1);
  const one = revisionOf({ config: oneRegion(w.origins[1].port) });
  const { drained } = (await w.gateway.prepare(one)).commit();
  for (const socket of w.origins[0].sockets) socket.destroy();
  assert.equal((await client.response()).body, 'from 2');
  await drained;
  await eventually('its connection to close', () => third.sockets.size === 0);
  assert.equal((await client.request(get)).body, 'from 1');
  assert.deepEqual(counted(two.metrics), [0, 1]);
});

test('a tunnel outlives its revision, whose counters it belongs to', async () => {
  await using w = await world();
  w.origins[0].respond = (_request, socket) =>
    void socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  using client = await RawClient.connect(w.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  await client.response();
  const { drained } = (
    await w.gateway.prepare(revisionOf({ config: oneRegion(w.origins[1].port) }))
  ).commit();
  const [upstream] = w.origins[0].sockets;
  upstream!.write('late');
  await client.until('late');
  client.close();
  await drained;
  assert.deepEqual(counted(w.metrics), [0, 1]);
});

test('abandoned: nothing has changed, and it cannot be committed any more', async () => {
  await using w = await world();
  const next = revisionOf({ config: oneRegion(w.origins[1].port) });
  const prepared = await w.gateway.prepare(next);
  prepared.abandon();
  prepared.abandon();
  assert.throws(() => prepared.commit(), { code: 'preparation_over' });
  using client = await RawClient.connect(w.port);
  assert.equal((await client.request(get)).body, 'from 0');
  const other = await w.gateway.prepare(next);
  other.commit();
  assert.throws(() => other.commit(), { code: 'preparation_over' });
  other.abandon();
  assert.equal((await client.request(get)).body, 'from 1');
});

test('only the newest preparation counts', async () => {
  await using w = await world();
  const [first, second] = [0, 1].map((index) =>
    revisionOf({ config: oneRegion(w.origins[index]!.port) }),
  );
  const finished = await w.gateway.prepare(first!);
  const overtaken = w.gateway.prepare(first!);
  const newest = w.gateway.prepare(second!);
  await assert.rejects(overtaken, { code: 'preparation_over' });
  assert.throws(() => finished.commit(), { code: 'preparation_over' });
  (await newest).commit();
  using client = await RawClient.connect(w.port);
  assert.equal((await client.request(get)).body, 'from 1');
});

test('a preparation ends with the gateway', async () => {
  await using w = await world();
  const next = revisionOf({ config: oneRegion(w.origins[1].port) });
  const overtaken = w.gateway.prepare(next);
  const refused = assert.rejects(overtaken, { code: 'preparation_over' });
  await w.gateway.close();
  await refused;
  await assert.rejects(w.gateway.prepare(next), { code: 'preparation_over' });
});

test('a revision without the own region is refused', async () => {
  await using w = await world();
  const next = { ...revisionOf({ config: oneRegion(w.origins[1].port) }), region: 'moon' };
  await assert.rejects(w.gateway.prepare(next), { code: 'region_unknown', message: /"moon"/ });
  using client = await RawClient.connect(w.port);
  assert.equal((await client.request(get)).body, 'from 0');
});

test('draining tells probes, serves on, and can be taken back', async () => {
  await using w = await world();
  const probe = async () => {
    using client = await RawClient.connect(w.port);
    const { status, body } = await client.request(
      'GET /.meridian/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    return [status, JSON.parse(body).status];
  };
  assert.deepEqual(await probe(), [200, 'serving']);
  w.gateway.drain();
  assert.deepEqual(await probe(), [503, 'draining']);
  using client = await RawClient.connect(w.port);
  assert.equal((await client.request(get)).body, 'from 0');
  await client.rest();
  w.gateway.drain(false);
  assert.deepEqual(await probe(), [200, 'serving']);
  using kept = await RawClient.connect(w.port);
  for (let n = 0; n < 2; n++) assert.equal((await kept.request(get)).status, 200);
});

test('the access log is switched off and on by a swap', async () => {
  await using w = await world();
  const config = oneRegion(w.origins[0].port);
  using client = await RawClient.connect(w.port);
  const ask = async () => assert.equal((await client.request(get)).body, 'from 0');
  const lines: string[] = [];
  await ask();
  assert.equal(w.log.length, 1);
  (await w.gateway.prepare(revisionOf({ config }))).commit();
  await ask();
  const accessLog = { write: (line: string) => void lines.push(line) };
  (await w.gateway.prepare(revisionOf({ config, accessLog }))).commit();
  await ask();
  assert.deepEqual([w.log.length, lines.length], [1, 1]);
});
