import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { planHealth } from './plan.ts';

const location = { latitude: 0, longitude: 0 };
const regions = {
  a: { address: '10.0.0.1', bind: '192.168.0.1', location },
  b: { address: '10.0.0.2', bind: '192.168.0.2', location },
  w: { address: '10.0.0.3', location, kind: 'witness' },
};

function plan(own: string, services: object = {}, only: string[] = Object.keys(regions)) {
  const chosen = Object.fromEntries(
    Object.entries(regions).filter(([name]) => only.includes(name)),
  );
  const config = configSchema.parse({ regions: chosen, services, ports: { http: 8_081 } });
  return planHealth(config, compileTopology(config), own, 'any');
}

test('gateways are probed at their public address, the own one where it listens', () => {
  const { targets, subjects } = plan('a');
  assert.deepEqual(
    targets.map(({ host, port, check }) => [host, port, check.type === 'http' && check.path]),
    [
      ['192.168.0.1', 8_081, '/.meridian/health'],
      ['10.0.0.2', 8_081, '/.meridian/health'],
    ],
  );
  assert.deepEqual([...subjects.keys()], ['gateway/a', 'gateway/b']); // a witness serves nothing
});

test('a vantage does not judge its own region, unless there is no other', () => {
  const { subjects } = plan('a');
  assert.deepEqual(subjects.get('gateway/a')?.vantages, ['b', 'w']);
  assert.deepEqual(subjects.get('gateway/b')?.vantages, ['a', 'w']);
  assert.deepEqual(plan('a', {}, ['a']).subjects.get('gateway/a')?.vantages, ['a']);
});

test('one probe per address and check, whatever refers to it', () => {
  const check = { type: 'tcp', interval: '2s' };
  const { targets, subjects } = plan('a', {
    one: { endpoints: { a: ['10.1.0.1:80', '10.1.0.2:80'] } },
    same: { endpoints: { a: ['10.1.0.1:80'] } },
    otherwise: { endpoints: { a: ['10.1.0.1:80'] }, check },
  });
  const shared = targets.filter(({ host }) => host === '10.1.0.1');
  assert.deepEqual(
    shared.map(({ check, endpoints }) => [check.interval, endpoints.map(({ index }) => index)]),
    [
      [1_000, [0, 2]],
      [2_000, [3]],
    ],
  );
  assert.equal(subjects.get('service/one/a')?.watched.length, 2);
});

test('a service is probed by its own region, or by all', () => {
  const services = {
    inner: { endpoints: { a: ['10.1.0.1:80'], b: ['10.2.0.1:80'] } },
    outer: { endpoints: { b: ['10.2.0.2:80'] }, probeFrom: 'everywhere' },
  };
  const ofA = plan('a', services);
  const hosts = ofA.targets.map(({ host }) => host);
  assert.deepEqual(hosts, ['192.168.0.1', '10.1.0.1', '10.0.0.2', '10.2.0.2']);
  assert.deepEqual(ofA.subjects.get('service/inner/b')?.watched, []);
  assert.deepEqual(ofA.subjects.get('service/outer/b')?.vantages, ['a', 'w']);
  // Ejection is for endpoints of the own region.
  assert.deepEqual(ofA.targets.find(({ host }) => host === '10.2.0.2')?.endpoints, []);
});

test('freshness is three intervals, at least 2 s', () => {
  assert.equal(plan('a').freshnessMs, 3_000);
  const config = configSchema.parse({ regions, health: { interval: '300ms' } });
  assert.equal(planHealth(config, compileTopology(config), 'a', 'any').freshnessMs, 2_000);
});

test('an unknown region, and more than a frame can carry, are refused', () => {
  assert.throws(() => plan('x'), RangeError);
  const endpoints = { a: ['10.1.0.1:80'] };
  const many = Object.fromEntries(
    Array.from({ length: 14_000 }, (_, i) => [`${'s'.repeat(57)}${i}`, { endpoints }]),
  );
  assert.throws(() => plan('a', many), /would observe too much/);
});

const nodesOf = (region: number) => ({
  x: { address: `10.0.${region}.1`, bind: `192.168.${region}.1` },
  y: { address: `10.0.${region}.2`, bind: `192.168.${region}.2` },
});

function planOfNodes(own: string, node: string, addressOfB: string) {
  const config = configSchema.parse({
    regions: {
      a: { address: '10.0.1.1', nodes: nodesOf(1), location },
      b: { address: addressOfB, nodes: nodesOf(2), location },
    },
  });
  const {
    subjects,
    targets,
    node: self,
    nodes,
  } = planHealth(config, compileTopology(config), own, node);
  const hosts = new Map(targets.map(({ key, host }) => [key, host]));
  const watched = [...subjects].map(([key, subject]) => [
    key,
    ...subject.watched.map(({ target }) => hosts.get(target)),
  ]);
  return { watched, self, nodes };
}

test('every published address is probed; the own node where it listens', () => {
  const { watched, self, nodes } = planOfNodes('a', 'y', '10.0.2.2');
  assert.deepEqual(watched, [
    ['gateway/a', '10.0.1.1', '192.168.1.2'],
    ['gateway/a/10.0.1.1', '10.0.1.1'],
    ['gateway/a/10.0.1.2', '192.168.1.2'],
    ['gateway/b', '10.0.2.1', '10.0.2.2'],
    ['gateway/b/10.0.2.1', '10.0.2.1'],
    ['gateway/b/10.0.2.2', '10.0.2.2'],
  ]);
  assert.equal(self.name, 'y');
  assert.deepEqual(
    [...nodes],
    [
      ['a', new Set(['x', 'y'])],
      ['b', new Set(['x', 'y'])],
    ],
  );
});

test('a load balancer is probed from outside, and the nodes behind it from inside', () => {
  assert.deepEqual(planOfNodes('a', 'x', '10.0.2.9').watched.slice(3), [['gateway/b', '10.0.2.9']]);
  assert.deepEqual(planOfNodes('b', 'x', '10.0.2.9').watched.slice(3), [
    ['gateway/b', '192.168.2.1', '10.0.2.2'],
  ]);
});

test('a node has to be one of its region, where that names several', () => {
  assert.throws(() => planOfNodes('a', 'a', '10.0.2.1'), /no node "a" in region "a"/);
});

test('checks by name: one probe serves whatever asks the same, under whatever name', () => {
  const chosen = { a: regions.a, b: regions.b };
  const config = configSchema.parse({
    regions: chosen,
    services: { s: { endpoints: { a: ['10.1.0.1:80'] }, check: { type: 'http' } } },
    checks: {
      one: { type: 'http', host: '10.1.0.1' },
      two: { type: 'http', host: '10.1.0.1', vantages: ['a'] },
      there: { type: 'http', host: '10.1.0.1', vantages: ['b'], interval: '7s' },
      off: { type: 'http', host: '10.1.0.1', disabled: true, interval: '8s' },
      named: { type: 'https', host: 'shop.test', address: '10.1.0.2', authority: 'ca.pem' },
      tls: { type: 'tls', host: 'shop.test', address: '10.1.0.2', port: 444 },
      grpc: { type: 'grpc', host: 'shop.test', address: '10.1.0.2', port: 444, tls: {} },
      metric: { type: 'metric', url: 'https://[::1]/prom', query: 'up', above: 1 },
    },
  });
  const { targets, subjects } = planHealth(config, compileTopology(config), 'a', 'any', {
    'ca.pem': 'PEM',
  });
  const others = targets.filter(({ port }) => port !== 8_080);
  assert.deepEqual(
    others.map(({ host, port, check }) => `${check.type} ${host}:${port}`),
    [
      'http 10.1.0.1:80',
      'https 10.1.0.2:443',
      'tls 10.1.0.2:444',
      'grpc 10.1.0.2:444',
      'metric ::1:443',
    ],
  );
  const [, https, tls, grpc] = others;
  assert.equal(https?.authority, 'PEM');
  assert.equal(https?.check.type === 'https' && https.check.host, 'shop.test');
  assert.equal(tls?.check.type === 'tls' && tls.check.serverName, 'shop.test');
  assert.equal(grpc?.check.type === 'grpc' && grpc.check.tls?.serverName, 'shop.test');
  const keys = [...subjects.keys()].filter((key) => key.startsWith('check/'));
  assert.equal(keys.length, 8);
  for (const key of keys) assert.match(key, /^check\/[a-z]+\/[\w-]{6}$/);
});
