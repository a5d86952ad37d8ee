import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../../test/support/raw-origin.ts';
import type { ConfigInput } from '../../config/schema/config.ts';
import { routeSchema } from '../../config/schema/route.ts';
import { normalisePath } from '../router/path.ts';
import { compilePathChange } from './path-change.ts';
import { WeightedTurns } from './weighted.ts';

/** A gateway with these routes, an origin for service `s` and one for `canary`. */
async function world(config: Partial<ConfigInput>) {
  const origin = await RawOrigin.listen();
  const canary = await RawOrigin.listen();
  canary.respond = (_, socket) => void socket.write(okResponse('canary'));
  const started = await startGateway({
    config: {
      regions: { eu: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
      services: {
        s: { endpoints: { eu: [`127.0.0.1:${origin.port}`] } },
        canary: { endpoints: { eu: [`127.0.0.1:${canary.port}`] } },
      },
      ...config,
    },
  });
  const client = await RawClient.connect(started.port);
  return {
    origin,
    client,
    ...started,
    get: (target: string, host = 'a.test:8080') =>
      client.request(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
    /** Request line and Host as the service saw them last. */
    seen: () => origin.requests.at(-1)?.head.split('\r\n').slice(0, 2).join(' '),
    async [Symbol.asyncDispose]() {
      client.close();
      await started.gateway.close();
      await origin.close();
      await canary.close();
    },
  };
}

test('a rewritten request reaches the service as it is to see it', async () => {
  await using w = await world({
    routes: [
      { name: 'p', prefix: '/old', service: 's', rewrite: { prefix: '/new/v2', host: 'in.test' } },
      { name: 'root', prefix: '/strip', service: 's', rewrite: { prefix: '/' } },
      {
        name: 't',
        pattern: '/r/:from/:to',
        service: 's',
        rewrite: { path: '/rates/:to/of/:from' },
      },
      { name: 'f', exact: '/fixed', service: 's', rewrite: { path: '/café' } },
    ],
  });
  const cases = [
    ['/old/a?x=1', 'GET /new/v2/a?x=1 HTTP/1.1 Host: in.test'],
    ['/old', 'GET /new/v2 HTTP/1.1 Host: in.test'],
    ['/old/', 'GET /new/v2/ HTTP/1.1 Host: in.test'],
    ['/strip', 'GET / HTTP/1.1 Host: a.test:8080'],
    ['/strip/a', 'GET /a HTTP/1.1 Host: a.test:8080'],
    ['/r/%C3%A9/%2520', 'GET /rates/%2520/of/%C3%A9 HTTP/1.1 Host: a.test:8080'],
    ['/fixed?y', 'GET /caf%C3%A9?y HTTP/1.1 Host: a.test:8080'],
  ] as const;
  for (const [target, expected] of cases) {
    assert.equal((await w.get(target)).status, 200, target);
    assert.equal(w.seen(), expected);
  }
  assert.equal(w.log[0]!.path, '/old/a', 'the log tells what was asked for');
});

test('redirects lead where they say', async () => {
  await using w = await world({
    routes: [
      { name: 'secure', prefix: '/s', redirect: { scheme: 'https', status: 308 } },
      { name: 'port', prefix: '/p', redirect: { scheme: 'https', port: 8443, query: 'drop' } },
      { name: 'moved', prefix: '/m', redirect: { host: 'b.test', prefix: '/n' } },
      { name: 'pair', pattern: '/x/:a', redirect: { path: '/y/:a', status: 301 } },
    ],
  });
  const cases = [
    ['/s/a?b=c', 308, 'https://a.test/s/a?b=c'],
    ['/p?b', 302, 'https://a.test:8443/p'],
    ['/m/a?b', 302, 'http://b.test:8080/n/a?b'],
    ['/x/%C3%A9', 301, 'http://a.test:8080/y/%C3%A9'],
  ] as const;
  for (const [target, status, location] of cases) {
    const response = await w.get(target);
    assert.equal(response.status, status);
    assert.equal(/^Location: (.*)\r$/m.exec(response.head)?.[1], location);
  }
  assert.equal(w.origin.requests.length, 0);
  assert.equal(w.log[0]!.route, 'secure');
});

test('a route may answer by itself', async () => {
  await using w = await world({
    routes: [
      {
        name: 'robots',
        exact: '/robots.txt',
        respond: { status: 200, body: 'café', headers: { 'Cache-Control': 'max-age=60' } },
      },
      { name: 'spaces', exact: '/spaces', respond: { status: 200, body: 'a\u00a0b\u2028' } },
      { name: 'gone', prefix: '/', respond: { status: 410 } },
    ],
  });
  const robots = await w.get('/robots.txt');
  assert.equal(Buffer.from(robots.body, 'latin1').toString(), 'café');
  assert.match(robots.head, /^Cache-Control: max-age=60\r$/m);
  assert.match(robots.head, /^Content-Type: text\/plain; charset=utf-8\r$/m);
  const spaces = await w.get('/spaces');
  assert.equal(Buffer.from(spaces.body, 'latin1').toString(), 'a\u00a0b\u2028');
  assert.equal((await w.get('/x')).status, 410);
});

test('a canary gets its share, evenly spread', async () => {
  await using w = await world({
    routes: [
      {
        name: 'c',
        services: [
          { service: 's', weight: 9 },
          { service: 'canary', weight: 1 },
        ],
      },
    ],
  });
  const bodies: string[] = [];
  for (let count = 0; count < 40; count++) bodies.push((await w.get('/')).body);
  assert.equal(bodies.filter((body) => body === 'canary').length, 4);
  assert.deepEqual(new Set(w.log.map(({ service }) => service)), new Set(['s', 'canary']));
});

test('a domain strips its base path, and says so', async () => {
  await using w = await world({
    routes: [
      { name: 'o', api: 'orders', prefix: '/items', service: 's' },
      { name: 'x', api: 'orders', prefix: '/x', redirect: { scheme: 'https' } },
      { name: 'y', api: 'orders', prefix: '/y', redirect: { prefix: '/z' } },
      { name: 'a', api: 'orders', prefix: '/away', redirect: { host: 'b.test', prefix: '/n' } },
    ],
    domains: { 'shop.test': { mappings: [{ basePath: '/v1/orders', api: 'orders' }] } },
    defaultEndpoint: false,
  });
  assert.equal((await w.get('/v1/orders/items/7', 'shop.test')).status, 200);
  assert.equal(w.seen(), 'GET /items/7 HTTP/1.1 Host: shop.test');
  assert.match(w.origin.requests[0]!.head, /^X-Forwarded-Prefix: \/v1\/orders\r$/m);
  assert.equal((await w.get('/v1/orders/nothing', 'shop.test')).status, 404);
  for (const [path, location] of [
    ['/x', 'https://shop.test/v1/orders/x'],
    ['/y/a', 'http://shop.test/v1/orders/z/a'],
    ['/away/a', 'http://b.test/n/a'],
  ] as const) {
    const { head } = await w.get(`/v1/orders${path}`, 'shop.test');
    assert.equal(/^Location: (.*)\r$/m.exec(head)?.[1], location);
  }
  const unknown = await w.get('/items', 'other.test');
  assert.equal(unknown.status, 421);
  assert.match(unknown.body, /"misdirected_request"/);
});

const text = fc.string({ maxLength: 12 });
const segments = fc.array(fc.oneof(text, fc.constantFrom('..', '.', ':a', ':b', '')), {
  maxLength: 5,
});

test('property: a changed path is canonical, whatever was asked for', () => {
  let changed = 0;
  fc.assert(
    fc.property(segments, segments, fc.boolean(), (configured, asked, whole) => {
      const to = `/${configured.join('/')}`;
      const pattern = '/x/:a/:b';
      const action = whole ? { path: to } : { prefix: to };
      const parsed = routeSchema.safeParse({
        name: 'r',
        service: 's',
        ...(whole ? { pattern } : { prefix: '/x' }),
        rewrite: action,
      });
      if (!parsed.success || /\/:(?![ab](\/|$))[^/]/.test(to)) return;
      let path: string;
      let change: ReturnType<typeof compilePathChange>;
      try {
        path = normalisePath(`/x/${asked.map(encodeURIComponent).join('/')}`);
        change = compilePathChange(action, parsed.data);
      } catch {
        return;
      }
      if (!/^\/x(\/|$)/.test(path)) return;
      const [, , a = '', b = ''] = path.split('/');
      if (whole && (a === '' || b === '')) return;
      const result = change!({ path, params: { a, b } });
      assert.equal(normalisePath(result), result);
      changed++;
    }),
    { numRuns: 2_000 },
  );
  assert.ok(changed > 300, `${changed} paths were changed`);
});

test('turns: shares are exact over a round, and none waits longer than it must', () => {
  const turns = new WeightedTurns([5, 0, 1, 1]);
  const round = Array.from({ length: 14 }, () => turns.next());
  assert.deepEqual(round, [0, 0, 2, 0, 3, 0, 0, 0, 0, 2, 0, 3, 0, 0]);
});
