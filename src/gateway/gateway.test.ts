import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { oneRegion, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('draining: idle connections close, answers close theirs, new ones are served', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({
    config: oneRegion(origin.port),
    limits: { dismissMs: 50 },
  });
  const { gateway, port } = started;
  using idle = await RawClient.connect(port);
  await idle.request(get);
  using busy = await RawClient.connect(port);
  const asked = new Promise<import('node:net').Socket>((resolve) => {
    origin.respond = (_request, socket) => resolve(socket);
  });
  busy.send(get);
  const socket = await asked;
  gateway.drain();
  assert.equal(await idle.rest(), '');
  socket.write(okResponse('late'));
  const last = await busy.response();
  assert.equal(last.body, 'late');
  assert.match(last.head, /^Connection: close\r$/m);
  await busy.rest();
  origin.respond = (_request, other) => void other.write(okResponse('new'));
  using fresh = await RawClient.connect(port);
  const served = await fresh.request(get);
  assert.equal(served.body, 'new');
  assert.match(served.head, /^Connection: close\r$/m);
});

test('draining: a request that was on its way is served, on any connection', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({ config: oneRegion(origin.port) });
  using used = await RawClient.connect(started.port);
  await used.request(get);
  using fresh = await RawClient.connect(started.port);
  using promised = await RawClient.connect(started.port);
  const asked = new Promise<import('node:net').Socket>((resolve) => {
    origin.respond = (_request, socket) => resolve(socket);
  });
  promised.send(get);
  const upstream = await asked;
  upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nla');
  await promised.until('la');
  started.gateway.drain();
  upstream.write('te');
  assert.doesNotMatch((await promised.response()).head, /^Connection: close\r$/m);
  origin.respond = (_request, socket) => void socket.write(okResponse('served'));
  for (const client of [used, fresh, promised]) {
    const { body, head } = await client.request(get);
    assert.equal(body, 'served');
    assert.match(head, /^Connection: close\r$/m);
  }
});

test('a region that leaves closes connections with its answers', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({ config: oneRegion(origin.port) });
  const { port, health } = started;
  const closes = async () => {
    using client = await RawClient.connect(port);
    const { head } = await client.request(get);
    client.close();
    return /^Connection: close\r$/m.test(head);
  };
  assert.equal(await closes(), false);
  health.setControlOn(0, false);
  assert.equal(await closes(), true);
  health.setControlOn(0, true);
  health.setDraining(0, true);
  assert.equal(await closes(), true);
});

test('close: waits for requests in flight', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({
    config: oneRegion(origin.port),
    limits: { closeMs: 60_000 },
  });
  const asked = Promise.withResolvers<import('node:net').Socket>();
  origin.respond = (_request, socket) => asked.resolve(socket);
  using client = await RawClient.connect(started.port);
  client.send(get);
  const upstream = await asked.promise;
  let closed = false;
  const closing = started.gateway.close().then(() => {
    closed = true;
  });
  await assert.rejects(
    eventually('its end', () => closed, 100),
    /waited/,
  );
  upstream.write(okResponse('made it'));
  assert.equal((await client.response()).body, 'made it');
  await closing;
});

test('close: not for ever', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({
    config: oneRegion(origin.port),
    limits: { closeMs: 100 },
  });
  const { gateway, port } = started;
  using never = await RawClient.connect(port);
  origin.respond = () => {};
  never.send(get);
  await eventually('the request', () => origin.requests.length === 1);
  await gateway.close();
  assert.equal(await never.rest(), '');
  await assert.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' });
  await eventually('upstream connections to close', () => origin.sockets.size === 0);
});

test('close: what the kernel had accepted is served', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({
    config: oneRegion(origin.port),
    limits: { closeMs: 60_000 },
  });
  const { port } = started;
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(port)));
  for (const client of clients) client.send(get);
  const closing = started.gateway.close();
  for (const client of clients) {
    const { body, head } = await client.response();
    assert.equal(body, 'ok');
    assert.match(head, /^Connection: close\r$/m);
    client.close();
  }
  await closing;
});

test('a port that is taken is an error that names it', async () => {
  await using taken = await RawOrigin.listen();
  const listen = { http: { host: '127.0.0.1', port: taken.port } };
  await assert.rejects(startGateway({ config: oneRegion(1), listen }), {
    code: 'listen_failed',
    message: new RegExp(`http on 127\\.0\\.0\\.1:${taken.port}.*EADDRINUSE`),
  });
});

test('routes by host and method; what matches nothing is 404 or 405 with Allow', async () => {
  await using origin = await RawOrigin.listen();
  const config = oneRegion(origin.port);
  config.routes = [
    { name: 'one', hosts: ['api.test'], prefix: '/v1', methods: ['GET'], service: 's' },
  ];
  await using started = await startGateway({ config });
  const { port, log } = started;
  using client = await RawClient.connect(port);
  const ask = (method: string, host: string, path: string) =>
    client.request(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal((await ask('GET', 'API.test:8080', '/v1/x')).status, 200);
  assert.equal((await ask('GET', 'other.test', '/v1/x')).status, 404);
  assert.equal((await ask('GET', 'api.test', '/v10')).status, 404);
  const refused = await ask('DELETE', 'api.test', '/v1/x');
  assert.equal(refused.status, 405);
  assert.match(refused.head, /^Allow: GET\r$/m);
  assert.equal((await ask('OPTIONS', 'api.test', '*')).status, 204);
  assert.deepEqual(
    log.map(({ status, route, error }) => [status, route, error]),
    [
      [200, 'one', undefined],
      [404, undefined, 'route_not_found'],
      [404, undefined, 'route_not_found'],
      [405, undefined, 'method_not_allowed'],
      [204, undefined, undefined],
    ],
  );
});

test('two threads may share a port when told to', async () => {
  await using origin = await RawOrigin.listen();
  const first = await startGateway({ config: oneRegion(origin.port) });
  await first.gateway.close();
  const { createGateway } = await import('./gateway.ts');
  const { configSchema } = await import('../config/schema/config.ts');
  const config = configSchema.parse(oneRegion(origin.port));
  const shared = (port: number) =>
    createGateway({
      config,
      region: 'eu',
      health: first.health,
      metrics: first.metrics,
      listen: { http: { host: '127.0.0.1', port } },
      identity: undefined,
      bundle: undefined,
      reusePort: true,
      accessLog: undefined,
      onFrame() {},
      limits: { closeMs: 100 },
    });
  const one = await shared(0);
  const two = await shared(one.ports.http!);
  assert.equal(two.ports.http, one.ports.http);
  await one.close();
  await two.close();
});
