import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { compileTopology } from '../../config/topology.ts';
import { HealthTable, healthy, unhealthy } from '../../health/table.ts';
import { createBalancing } from '../upstream/balancing/create-balancing.ts';
import { MaglevTables } from '../upstream/balancing/maglev-tables.ts';
import { StickyCookie } from '../upstream/balancing/sticky-cookie.ts';
import { type ExplainOptions, explainRequest, type RequestQuestion } from './explain.ts';

const location = { latitude: 0, longitude: 0 };

function world(more: Partial<ConfigInput> = {}, extra: Partial<ExplainOptions> = {}) {
  const config = configSchema.parse({
    regions: {
      eu: { address: '127.0.0.1', location },
      us: { address: '127.0.0.2', location },
      ap: { address: '127.0.0.3', location },
    },
    services: {
      s: { endpoints: { eu: ['10.0.0.1:80', { address: '10.0.0.2:80', weight: 0 }], us: ['b:1'] } },
      home: { endpoints: { us: ['c:1'] }, residency: ['us'] },
    },
    routes: [
      {
        name: 'rates',
        hosts: ['api.test'],
        pattern: '/v1/rates/:pair',
        methods: ['GET'],
        service: 's',
      },
      { name: 'home', hosts: ['home.test'], service: 'home' },
    ],
    ...more,
  });
  const health = new HealthTable(compileTopology(config));
  for (const region of [0, 1, 2]) health.setGateway(region, healthy);
  health.setService(0, 0, healthy);
  health.setService(0, 1, healthy);
  const explain = (method: string, url: string, told: Partial<RequestQuestion> = {}) =>
    explainRequest({ config, region: 'eu', health, ...extra }, { method, url, ...told });
  return { config, health, explain };
}

test('names path, route, service and every candidate with its reason', () => {
  const { explain, health } = world();
  health.setRoundTripMs(1, 23);
  const found = explain('GET', 'http://api.test:8080/v1//x/../rates/eur?q=1');
  assert.equal(found.path, '/v1/rates/eur');
  assert.equal(found.route, 'rates');
  assert.deepEqual({ ...found.params }, { pair: 'eur' });
  assert.equal(found.serviceState, 'healthy');
  assert.deepEqual(found.outcome, { kind: 'endpoint', text: 'served by 10.0.0.1:80' });
  assert.deepEqual(
    found.candidates.map(({ target, usable, rank, why }) => [target, usable, rank, why]),
    [
      ['10.0.0.1:80', true, undefined, 'takes requests'],
      ['10.0.0.2:80', false, undefined, 'weight 0'],
      ['us', true, 1, 'gateway healthy, service healthy, 23 ms away'],
      ['ap', false, undefined, 'the service has no endpoint there'],
    ],
  );
});

test('follows the health table', () => {
  const { explain, health } = world();
  health.setService(0, 0, unhealthy);
  const { text } = explain('GET', 'http://api.test/v1/rates/x').outcome;
  assert.equal(text, 'relayed to us, about 0 ms away by distance');
  health.setDraining(1, true);
  const last = explain('GET', 'http://api.test/v1/rates/x');
  assert.equal(last.outcome.text, 'tried once as the last resort at 10.0.0.1:80');
  assert.equal(last.candidates[2]!.why, 'it is draining');
});

test('a region that gives the client away comes last, and says so', () => {
  const subject = { kind: 'region', region: 'us' } as const;
  const shifts = [{ subject, to: 'us', share: 0, basis: 'region' }];
  const services = { s: { endpoints: { eu: ['a:1'], us: ['b:1'], ap: ['c:1'] } } };
  const { explain, health } = world(
    { services, routes: [{ name: 's', service: 's' }] },
    { shifts },
  );
  health.setService(0, 2, healthy);
  health.setRoundTripMs(1, 1);
  health.setRoundTripMs(2, 90);
  health.setService(0, 0, unhealthy);
  const { outcome, candidates } = explain('GET', 'http://a.test/');
  assert.equal(outcome.text, 'relayed to ap, 90 ms away');
  assert.match(candidates.at(-1)!.why, /1 ms away; gives this client away$/);
  assert.deepEqual([candidates.at(-1)!.target, candidates.at(-1)!.rank], ['us', 2]);
  health.setService(0, 2, unhealthy);
  assert.match(explain('GET', 'http://a.test/').outcome.text, /^relayed to us, 1 ms away/);
});

test('says why nothing is found', () => {
  const { explain, health } = world();
  const code = (method: string, url: string) => {
    const { outcome } = explain(method, url);
    return outcome.kind === 'problem' ? outcome.code : outcome.kind;
  };
  assert.equal(code('GET', 'http://other.test/'), 'route_not_found');
  assert.equal(code('POST', 'http://api.test/v1/rates/x'), 'method_not_allowed');
  assert.equal(code('GET', 'http://api.test/v1%2frates'), 'bad_path');
  assert.equal(code('GET', 'http://api.test/.meridian/health'), 'gateway');
  assert.equal(code('GET', 'http://api.test/.meridian/other'), 'route_not_found');
  health.setService(1, 1, unhealthy);
  assert.equal(code('GET', 'https://home.test/'), 'residency_unavailable');
});

test('refuses what is no URL or method', () => {
  const { explain } = world();
  assert.throws(() => explain('GET', 'api.test/v1'), { code: 'bad_url' });
  assert.throws(() => explain('GET', 'ftp://api.test/'), { code: 'bad_url' });
  assert.throws(() => explain('g et', 'http://api.test/'), { code: 'bad_method' });
  const told = (more: Partial<RequestQuestion>) => explain('GET', 'http://api.test/', more);
  assert.throws(() => told({ client: '10.0.0.0/8' }), { code: 'bad_client' });
  assert.throws(() => told({ headers: 'X-A: b\nno field' }), { code: 'bad_header' });
  assert.throws(() => told({ listener: 'link' }), { code: 'bad_listener', message: /http, https/ });
});

/** One service over four endpoints in two zones, and a route for it. */
function balanced(balancing: object, extra: Partial<ExplainOptions> = {}, more: object = {}) {
  const at = (host: number, zone: string) => ({ address: `10.0.0.${host}:80`, zone });
  const endpoints = { eu: [at(1, 'a'), at(2, 'a'), at(3, 'b'), at(4, 'b')] };
  return world(
    {
      services: { s: { endpoints, balancing, ...more } } as ConfigInput['services'],
      routes: [{ name: 'r', service: 's' }],
    },
    extra,
  );
}

test('tells what decides, and the endpoint where the request does', () => {
  const found = (balancing: object, told: Partial<RequestQuestion> = {}) => {
    const { balancing: said, outcome } = balanced(balancing).explain('GET', 'http://x.test/', told);
    return [said!.algorithm, said!.by, said!.determined, outcome.text];
  };
  assert.deepEqual(found({ type: 'roundRobin' }), [
    ...['roundRobin', 'turns, by weight', false],
    'served by one of 4 endpoints (roundRobin)',
  ]);
  assert.deepEqual(found({ type: 'leastRequests' }).slice(1, 3), ['requests under way', false]);
  const places = new Set<unknown>();
  for (let host = 0; host < 32; host++) {
    const client = `192.0.2.${host}`;
    const [, by, determined, text] = found({ type: 'ipHash' }, { client });
    assert.deepEqual([by, determined], [`the client's address, ${client}`, true]);
    places.add(text);
  }
  assert.equal(places.size, 4);
  const byUser = { type: 'consistentHash', key: { header: 'X-User' } };
  const user = { headers: 'x-user: 17' };
  assert.deepEqual(found(byUser, user), found(byUser, { ...user, client: '192.0.2.7' }));
  assert.equal(found(byUser, user)[1], 'header X-User');
  assert.match(String(found(byUser)[1]), /^the client's address, 127.*no header X-User$/);
});

test('names the endpoint that a gateway sends the request to', () => {
  const balancing = { type: 'consistentHash', key: { query: 'user' } } as const;
  const { explain, health, config } = balanced(balancing);
  const [service] = compileTopology(config).services;
  const { balancer } = createBalancing(service!, {
    ...{ ownRegion: 0, regionName: 'eu', ownZone: undefined, changes: health },
    ...{ tables: new MaglevTables(), random: Math.random, wallMs: () => 0 },
    secretOf: () => undefined,
  });
  const loads = {
    ...{ inFlight: () => 0, latencyMs: () => 0, admittedForMs: () => Infinity },
    ejected: (endpoint: number) => health.ejected(endpoint),
  };
  health.eject(service!.endpoints[0]![2]!, service!.endpoints[0]!, 1);
  for (let user = 0; user < 64; user++) {
    const query = `?user=${user}`;
    const request = { clientAddress: '127.0.0.1', fields: [], query, secure: false };
    const { host, port } = balancer.next(request, loads, [], false)!;
    const { outcome } = explain('GET', `http://x.test/${query}`);
    assert.equal(outcome.text, `served by ${host}:${port}`);
  }
});

test('a sticky client is told its endpoint, if its cookie is good', () => {
  const balancing = { type: 'sticky', secret: 'file', cookie: 'at' };
  const secret = 'k'.repeat(32);
  const value = (id: string) =>
    new StickyCookie(Buffer.from(secret), 's').seal({ id, expiresMs: Date.now() + 60_000 });
  const own = value(new StickyCookie(Buffer.from(secret), 's').idOf('eu', '10.0.0.3:80'));
  const found = (headers: string, extra: Partial<ExplainOptions>) => {
    const told = balanced(balancing, extra).explain('GET', 'http://x.test/', { headers });
    assert.doesNotMatch(JSON.stringify(told), new RegExp(own), 'a cookie lets in whoever has it');
    return [told.balancing!.by, told.outcome.text];
  };
  const known = { balancingSecrets: { s: secret } };
  assert.deepEqual(found(`Cookie: at=${own}`, known), ['cookie at', 'served by 10.0.0.3:80']);
  const [by, text] = found(`Cookie: at=${own}x`, known);
  assert.match(String(by), /^turns; .* no cookie at of an endpoint/);
  assert.equal(text, 'served by one of 4 endpoints (sticky)');
  assert.match(String(found(`Cookie: at=${own}`, {})[0]), /not known here/);
});

test('candidates by tier, with what is known of each', () => {
  const state = (endpoint: number) => (endpoint === 3 ? 'unhealthy' : 'healthy');
  const more = { spillOver: { factor: 1, regions: true }, ejection: { trials: 1 } };
  const options = { zone: 'a', endpointState: state } as const;
  const { explain, health } = balanced({ type: 'roundRobin' }, options, more);
  const all = compileTopology(balanced({ type: 'roundRobin' }).config).endpoints;
  for (const at of [0, 2, 3]) health.eject(all[at]!, all, 1);
  health.endpoints.tryAgain(2, 1);
  const before = explain('GET', 'http://x.test/');
  const shown = before.candidates.filter(({ kind }) => kind === 'endpoint');
  assert.deepEqual(
    shown.map(({ tier, weight, zone, state, breaker, why }) =>
      [tier, weight, zone, state, breaker, why].join(' '),
    ),
    [
      '1 1 a healthy open ejected on this node: last resort only',
      '1 1 a healthy closed takes requests',
      '2 1 b healthy halfOpen on trial: takes a few requests',
      '2 1 b unhealthy open ejected on this node: last resort only',
    ],
  );
  assert.deepEqual(before.balancing!.tiers, [
    { tier: 1, of: 'zone a', endpoints: 2, usable: 1, sharePercent: 50 },
    { tier: 2, of: 'region eu', endpoints: 2, usable: 1, sharePercent: 50 },
  ]);
  assert.equal(before.balancing!.otherRegionsPercent, 0);
  assert.equal(health.endpoints.begin(2, 0, 1, false), 'trial');
  const busy = explain('GET', 'http://x.test/');
  assert.match(busy.candidates[2]!.why, /^its trials are under way/);
  assert.equal(busy.candidates[2]!.underWay, 1);
  assert.equal(busy.outcome.text, 'served by 10.0.0.2:80', 'the only one that takes it');
  assert.equal(busy.balancing!.otherRegionsPercent, 50);
});

test('follows header fields and the listener', () => {
  const { explain } = world({
    ports: { http: 8080 },
    listeners: { inside: { port: 8081, protocol: 'http' }, http: { redirect: 'https' } },
    routes: [
      { name: 'admin', service: 's', listeners: ['inside'] },
      { name: 'beta', service: 's', headers: [{ name: 'X-Beta', value: 'yes' }] },
      { name: 'all', service: 's' },
    ],
  });
  const found = (url: string, told: Partial<RequestQuestion> = {}) => {
    const { route, listener, outcome } = explain('GET', url, told);
    return [listener, route ?? outcome.text];
  };
  assert.deepEqual(found('https://a.test/'), ['https', 'all']);
  assert.deepEqual(found('https://a.test/', { headers: 'x-beta: yes' }), ['https', 'beta']);
  assert.deepEqual(found('http://a.test/', { listener: 'inside' }), ['inside', 'admin']);
  assert.deepEqual(found('http://a.test/'), ['http', 'redirected to https by the listener']);
});
