import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { HealthTable, healthy, unhealthy } from '../health/table.ts';
import { explainRequest } from './explain.ts';

const location = { latitude: 0, longitude: 0 };

function world() {
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
  });
  const health = new HealthTable(compileTopology(config));
  for (const region of [0, 1, 2]) health.setGateway(region, healthy);
  health.setService(0, 0, healthy);
  health.setService(0, 1, healthy);
  const explain = (method: string, url: string) =>
    explainRequest({ config, region: 'eu', health }, method, url);
  return { health, explain };
}

test('names path, route, service and every candidate with its reason', () => {
  const { explain } = world();
  const found = explain('GET', 'http://api.test:8080/v1//x/../rates/eur?q=1');
  assert.equal(found.path, '/v1/rates/eur');
  assert.equal(found.route, 'rates');
  assert.deepEqual({ ...found.params }, { pair: 'eur' });
  assert.equal(found.serviceState, 'healthy');
  assert.deepEqual(found.outcome, { kind: 'endpoint', text: 'served by 10.0.0.1:80' });
  assert.deepEqual(
    found.candidates.map(({ target, usable, rank, why }) => [target, usable, rank, why]),
    [
      ['10.0.0.1:80', true, undefined, 'weight 1'],
      ['10.0.0.2:80', false, undefined, 'weight 0'],
      ['us', true, 1, 'gateway healthy, service healthy'],
      ['ap', false, undefined, 'the service has no endpoint there'],
    ],
  );
});

test('follows the health table', () => {
  const { explain, health } = world();
  health.setService(0, 0, unhealthy);
  assert.equal(explain('GET', 'http://api.test/v1/rates/x').outcome.text, 'relayed to us');
  health.setDraining(1, true);
  const last = explain('GET', 'http://api.test/v1/rates/x');
  assert.equal(last.outcome.text, 'tried once as the last resort at 10.0.0.1:80');
  assert.equal(last.candidates[2]!.why, 'it is draining');
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
});
