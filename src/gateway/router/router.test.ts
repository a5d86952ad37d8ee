import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteConfig } from '../../config/schema/route.ts';
import { compileRouter } from './router.ts';

type Rule = Omit<Partial<RouteConfig>, 'name' | 'service'>;

const plain = (method: string, listener = 'http') => ({ method, fields: [], query: '', listener });

function routesOf(rules: readonly Rule[]): RouteConfig[] {
  return rules.map((rule, index) => ({ name: `r${index}`, service: 's', ...rule }));
}

/** Compares the outcomes of several requests, each written `METHOD host path`. */
function assertMatches(rules: readonly Rule[], expected: Record<string, number | string>): void {
  const router = compileRouter(routesOf(rules));
  for (const [request, outcome] of Object.entries(expected)) {
    const [method, host, path] = request.split(' ') as [string, string, string];
    const match = router.match(host, path, plain(method));
    const shown =
      match.kind === 'route'
        ? match.index
        : match.kind === 'methodNotAllowed'
          ? match.allow.join()
          : match.kind;
    assert.equal(shown, outcome, request);
  }
}

test('a prefix matches by whole segments', () => {
  assertMatches([{ prefix: '/v1' }], {
    'GET a /v1': 0,
    'GET a /v1/': 0,
    'GET a /v1/x/y': 0,
    'GET a /v10': 'none',
    'GET a /v': 'none',
    'GET a /': 'none',
    'GET a /x/v1': 'none',
  });
});

test('a slash at the end of a prefix means nothing; no path at all is the root', () => {
  assertMatches([{ prefix: '/v1/' }, { hosts: ['b'] }], {
    'GET a /v1': 0,
    'GET a /v1/x': 0,
    'GET b /': 1,
    'GET b /anything/': 1,
  });
});

test('a pattern matches the whole path; a parameter is one segment that is not empty', () => {
  assertMatches([{ pattern: '/r/:a' }, { pattern: '/s/' }, { pattern: '/' }, { pattern: '/:' }], {
    'GET a /r/x': 0,
    'GET a /r/': 'none',
    'GET a /r': 'none',
    'GET a /r/x/': 'none',
    'GET a /r/x/y': 'none',
    'GET a /s/': 1,
    'GET a /s': 'none',
    'GET a /': 2,
    'GET a /:': 3,
  });
});

test('parameters are given by name, as they stand in the path', () => {
  const router = compileRouter(routesOf([{ pattern: '/:a/x/:__proto__' }]));
  const match = router.match('', '/%C3%A9/x/b', plain('GET'));
  assert.ok(match.kind === 'route');
  assert.deepEqual(Object.entries(match.params), [
    ['a', '%C3%A9'],
    ['__proto__', 'b'],
  ]);
  assert.equal(Object.getPrototypeOf(match.params), null);
});

test('host: exact, then the longest wildcard, then any', () => {
  const rules = [
    {},
    { hosts: ['*.test'] },
    { hosts: ['*.b.test'] },
    { hosts: ['a.b.test', 'b.test'] },
  ];
  assertMatches(rules, {
    'GET a.b.test /': 3,
    'GET b.test /': 3,
    'GET c.b.test /': 2,
    'GET d.c.b.test /': 2,
    'GET c.test /': 1,
    'GET xb.test /': 1,
    'GET test /': 0,
    'GET other /': 0,
  });
  assert.equal(compileRouter(routesOf(rules)).match('', '/', plain('GET')).kind, 'route');
});

test('a less exact host serves paths that the more exact one does not know', () => {
  assertMatches(
    [{ prefix: '/x' }, { hosts: ['*.t'], prefix: '/y' }, { hosts: ['a.t'], prefix: '/z' }],
    {
      'GET a.t /x': 0,
      'GET a.t /y': 1,
      'GET a.t /z': 2,
      'GET a.t /w': 'none',
    },
  );
});

test('path: patterns before prefixes, literals before parameters, longer before shorter', () => {
  assertMatches(
    [
      { prefix: '/' },
      { prefix: '/a' },
      { prefix: '/a/b/c' },
      { pattern: '/a/:x' },
      { pattern: '/a/b' },
      { pattern: '/:x/b/:y' },
      { pattern: '/a/:x/d' },
    ],
    {
      'GET h /a/b': 4,
      'GET h /a/c': 3,
      'GET h /a/b/c': 5,
      'GET h /a/b/d': 6,
      'GET h /a/b/c/d': 2,
      'GET h /a/b/': 1,
      'GET h /a': 1,
      'GET h /b': 0,
    },
  );
});

test('a literal that leads nowhere does not hide a parameter', () => {
  assertMatches([{ pattern: '/a/b/c' }, { pattern: '/:x/b/d' }], { 'GET h /a/b/d': 1 });
});

test('method: named before any, passed over when it does not fit, 405 when all are', () => {
  assertMatches(
    [
      { prefix: '/a' },
      { prefix: '/a', methods: ['PUT', 'GET'] },
      { pattern: '/a/x', methods: ['DELETE'] },
      { prefix: '/b', methods: ['GET'] },
      { pattern: '/b/:y', methods: ['POST', 'PATCH'] },
    ],
    {
      'GET h /a': 1,
      'POST h /a': 0,
      'DELETE h /a/x': 2,
      'PUT h /a/x': 1,
      'GET h /b/z': 3,
      'POST h /b/z': 4,
      'PUT h /b/z': 'GET,PATCH,POST',
      'PUT h /b': 'GET',
      'get h /b': 'GET',
    },
  );
});

test('405 comes from the most exact host that knows the path', () => {
  assertMatches([{ prefix: '/' }, { hosts: ['a'], prefix: '/x', methods: ['GET'] }], {
    'POST a /x': 'GET',
    'POST a /y': 0,
    'POST b /x': 0,
  });
});

test('of two equal routes the earlier', () => {
  assertMatches([{ prefix: '/a' }, { prefix: '/a/' }, { pattern: '/:x' }, { pattern: '/:y' }], {
    'GET h /a/b': 0,
    'GET h /a': 2,
  });
});

test('routes are written as operators do and compared as requests come', () => {
  assertMatches([{ prefix: '/caf\u00e9' }, { pattern: '/a{b}/./c//d' }], {
    'GET h /caf%C3%A9/x': 0,
    'GET h /a%7Bb%7D/c/d': 1,
  });
});

test('a route that cannot match is an error that names it', () => {
  for (const rule of [
    { prefix: '/..' },
    { prefix: '/a\0' },
    { pattern: '/:a/:a' },
    { prefix: 'a' },
  ]) {
    assert.throws(() => compileRouter(routesOf([rule])), { code: 'bad_route', message: /"r0"/ });
  }
});

test('exact is one path alone, whatever stands in it', () => {
  assertMatches([{ exact: '/a/:b' }, { pattern: '/a/:b' }, { prefix: '/a' }], {
    'GET h /a/:b': 0,
    'GET h /a/x': 1,
    'GET h /a/x/y': 2,
    'GET h /a': 2,
  });
});

test('conditions: all hold or the route is not there; more of them come first', () => {
  const router = compileRouter(
    routesOf([
      {},
      { headers: [{ name: 'X-Beta', value: 'yes' }] },
      { headers: [{ name: 'x-beta', value: 'yes' }], query: [{ name: 'é', value: 'a b' }] },
      { query: [{ name: 'debug', present: true }], methods: ['GET'] },
      { headers: [{ name: 'x-beta', present: false }], methods: ['PUT'] },
    ]),
  );
  const found = (method: string, fields: readonly string[], query = '') => {
    const match = router.match('h', '/', { method, fields, query, listener: 'http' });
    return match.kind === 'route' ? match.index : match.kind;
  };
  assert.equal(found('POST', []), 0);
  assert.equal(found('POST', ['X-BETA', 'no', 'x-Beta', 'yes']), 1, 'any of the lines');
  assert.equal(found('POST', ['X-Beta', 'yes, no']), 0, 'lines are not split');
  assert.equal(found('POST', ['X-Beta', 'yes'], '?%C3%A9=a+b'), 2);
  assert.equal(found('POST', ['X-Beta', 'yes'], '?%C3%A9=a%20b&%C3%A9=c'), 2, 'the first counts');
  assert.equal(found('POST', ['X-Beta', 'yes'], '?%C3%A9=%'), 1, 'no escape, no match');
  assert.equal(found('GET', ['X-Beta', 'yes'], '?debug'), 3, 'the method comes before conditions');
  assert.equal(found('GET', [], '?xdebug=1'), 0);
  assert.equal(found('PUT', []), 4);
  assert.equal(found('PUT', ['X-Beta', '']), 0);
});

test('of a route that was found elsewhere the conditions hold, and no others do', () => {
  const router = compileRouter(
    routesOf([
      {},
      { headers: [{ name: 'a', present: true }] },
      { query: [{ name: 'b', present: true }] },
    ]),
  );
  const found = (foundRoute: string) => {
    const request = { method: 'GET', fields: ['a', ''], query: '?b', listener: 'http', foundRoute };
    const match = router.match('h', '/', request);
    return match.kind === 'route' && match.index;
  };
  const names = ['r0', 'r1', 'r2', 'gone'];
  assert.deepEqual(names.map(found), [0, 1, 2, 0]);
});

test('methods that would be allowed are those of routes whose conditions hold', () => {
  const router = compileRouter(
    routesOf([
      { methods: ['GET'], headers: [{ name: 'a', present: true }] },
      { methods: ['PUT'], headers: [{ name: 'a', present: false }] },
    ]),
  );
  const match = router.match('h', '/', plain('POST'));
  assert.deepEqual(match, { kind: 'methodNotAllowed', allow: ['PUT'] });
});

test('a domain serves its APIs under their base paths, the longest first', () => {
  const routes = routesOf([
    { api: 'orders', prefix: '/items' },
    { api: 'orders', pattern: '/:id' },
    { api: 'shop', prefix: '/' },
    { hosts: ['shop.test'], prefix: '/about' },
    {},
  ]);
  const router = compileRouter(routes, {
    domains: {
      'shop.test': {
        mappings: [
          { basePath: '/', api: 'shop' },
          { basePath: '/v1/orders/', api: 'orders' },
        ],
      },
      '*.eu.test': { mappings: [{ basePath: '/o', api: 'orders' }] },
    },
  });
  const found = (host: string, path: string) => {
    const match = router.match(host, path, plain('GET'));
    return match.kind === 'route' ? [match.index, match.basePath, { ...match.params }] : match.kind;
  };
  assert.deepEqual(found('shop.test', '/v1/orders/items/7'), [0, '/v1/orders', {}]);
  assert.deepEqual(found('shop.test', '/v1/orders/7'), [1, '/v1/orders', { id: '7' }]);
  assert.deepEqual(found('shop.test', '/v1/ordersx'), [2, '', {}], 'whole segments');
  assert.deepEqual(found('shop.test', '/about'), [2, '', {}], 'the domain comes first');
  assert.deepEqual(found('shop.test', '/v1/orders/7/8'), [4, '', {}], 'only the longest counts');
  assert.deepEqual(found('a.eu.test', '/o/items/2'), [0, '/o', {}]);
  assert.deepEqual(found('a.eu.test', '/items'), [4, '', {}]);
  assert.deepEqual(
    found('other.test', '/items'),
    [4, '', {}],
    'an API is served by its domains only',
  );
});

test('with the default endpoint off, only hosts are served that are named', () => {
  const routes = routesOf([{ hosts: ['a.test', '*.b.test'] }, {}, { api: 'x' }]);
  const domains = { 'c.test': { mappings: [{ basePath: '/c', api: 'x' }] } };
  const router = compileRouter(routes, { domains, defaultEndpoint: false });
  const kinds = ['a.test', 'x.b.test', 'c.test', 'd.test', ''].map(
    (host) => router.match(host, '/', plain('GET')).kind,
  );
  assert.deepEqual(kinds, ['route', 'route', 'route', 'unknownHost', 'unknownHost']);
});

test('a route bound to listeners is there for what came in by them only', () => {
  const routes = routesOf([
    { hosts: ['a.test'], prefix: '/admin', listeners: ['inside', 'partners'] },
    { hosts: ['a.test'] },
    { hosts: ['a.test'], listeners: ['inside'] },
    { hosts: ['a.test'], headers: [{ name: 'x', present: true }] },
    { hosts: ['b.test'], methods: ['GET'], listeners: ['inside'] },
    { prefix: '/any', listeners: ['inside'] },
  ]);
  const router = compileRouter(routes, { defaultEndpoint: false });
  const found = (host: string, path: string, listener: string, method = 'GET') => {
    const match = router.match(host, path, plain(method, listener));
    return match.kind === 'route' ? match.index : match.kind;
  };
  assert.equal(found('a.test', '/admin', 'inside'), 0);
  assert.equal(found('a.test', '/admin', 'partners'), 0);
  assert.equal(found('a.test', '/admin', 'http'), 1, 'the shorter prefix, which is for any');
  assert.equal(found('a.test', '/', 'inside'), 2, 'before the one for any, whatever the order');
  assert.equal(found('a.test', '/', 'partners'), 1);
  const told = { method: 'GET', fields: ['X', ''], query: '', listener: 'inside' };
  const match = router.match('a.test', '/', told);
  assert.equal(match.kind === 'route' && match.index, 3, 'conditions come first');
  assert.equal(found('b.test', '/', 'inside'), 4);
  assert.equal(found('b.test', '/', 'inside', 'PUT'), 'methodNotAllowed');
  assert.equal(found('b.test', '/', 'http', 'PUT'), 'unknownHost', 'as if nobody had named it');
  const open = compileRouter(routes);
  const any = (listener: string) => open.match('c.test', '/any', plain('GET', listener)).kind;
  assert.deepEqual([any('inside'), any('http')], ['route', 'none']);
});
