import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config/load.ts';
import { missingAt, type ReadinessView } from './readiness.ts';
import { fakeConfig } from './testdata/fake-stack.ts';

const { config } = parseConfig(
  JSON.stringify({
    ...fakeConfig,
    regions: {
      ...fakeConfig.regions,
      watch: { ...fakeConfig.regions.eu, address: '127.0.9.1', kind: 'witness' },
    },
    services: { ...fakeConfig.services, outside: { endpoints: { eu: ['10.0.0.1:80'] } } },
  }),
  'test.yaml',
);

const history = { reason: '', since: undefined, flaps: 0 };
const region = (name: string, state: 'healthy' | 'unknown' | 'unhealthy') => ({
  name,
  gateway: { state, ...history },
  draining: false,
  lastHeardSecondsAgo: undefined,
});
const service = (name: string, of: string, state: 'healthy' | 'unknown' | 'unhealthy') => ({
  name,
  region: of,
  state,
  ...history,
  endpoints: [],
});
const complete: ReadinessView = {
  store: { engine: 'jetstream', reachable: true, outOfReachForSeconds: 0, lastError: undefined },
  regions: [region('eu', 'healthy'), region('us', 'healthy'), region('watch', 'unknown')],
  services: [
    service('rates', 'eu', 'healthy'),
    service('rates', 'us', 'healthy'),
    service('rates', 'watch', 'unknown'),
    service('outside', 'eu', 'unhealthy'),
  ],
};

test('a stack is complete without witnesses serving and without what it does not run', () => {
  assert.deepEqual(missingAt('eu', complete, config), []);
});

test('what is missing is named with the node that misses it', () => {
  const store = { ...complete.store, reachable: false };
  assert.deepEqual(missingAt('eu', { ...complete, store }, config), [
    'eu: the store is out of reach',
  ]);
  const regions = [region('eu', 'healthy'), region('us', 'unknown')];
  assert.deepEqual(missingAt('eu', { ...complete, regions }, config), [
    'eu: the gateway of us is unknown',
  ]);
  const services = [service('rates', 'eu', 'healthy'), service('rates', 'us', 'unhealthy')];
  assert.deepEqual(missingAt('us', { ...complete, services }, config), [
    'us: service rates of us is unhealthy',
  ]);
});
