import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config/load.ts';
import { causesOf } from './missing.ts';
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
const service = (
  name: string,
  of: string,
  state: 'healthy' | 'unknown' | 'unhealthy',
  endpoint?: string,
) => ({
  name,
  region: of,
  state,
  ...history,
  reason: state === 'healthy' ? '' : `${of} says down`,
  endpoints: endpoint === undefined ? [] : [{ address: endpoint, state, ejected: false }],
});
const complete: ReadinessView = {
  degraded: [],
  store: { engine: 'jetstream', reachable: true, outOfReachForSeconds: 0, lastError: undefined },
  regions: [region('eu', 'healthy'), region('us', 'healthy'), region('watch', 'unknown')],
  services: [
    service('rates', 'eu', 'healthy'),
    service('rates', 'us', 'healthy'),
    service('rates', 'watch', 'unknown'),
    service('outside', 'eu', 'unhealthy'),
  ],
};
const sentences = (views: Record<string, ReadinessView>) =>
  causesOf(Object.entries(views).flatMap(([name, view]) => missingAt(name, view, config))).map(
    ({ sentence }) => sentence,
  );

test('a stack is complete without witnesses serving and without what it does not run', () => {
  assert.deepEqual(missingAt('eu', complete, config), []);
});

test('what several nodes miss is said once, with those that miss it', () => {
  const store = { ...complete.store, reachable: false, lastError: 'refused' };
  const storeless = { ...complete, store };
  assert.deepEqual(sentences({ eu: storeless, us: storeless }), [
    'the store is out of reach of eu, us (refused)',
  ]);
  const gateless = { ...complete, regions: [region('eu', 'healthy'), region('us', 'unknown')] };
  assert.deepEqual(sentences({ eu: gateless, us: complete, watch: gateless }), [
    'the gateway of us is unknown to eu, watch',
  ]);
});

test('a service is named with the view of its own region, which probes it', () => {
  const seenBy = (own: string): ReadinessView => ({
    ...complete,
    services: ['eu', 'us'].map((of) =>
      service('rates', of, 'unhealthy', of === own ? `127.0.0.1:81${own.length}` : undefined),
    ),
  });
  assert.deepEqual(sentences({ us: seenBy('us'), eu: seenBy('eu'), watch: seenBy('watch') }), [
    'service rates: unhealthy in eu (127.0.0.1:812 is unhealthy); unhealthy in us (127.0.0.1:812 is unhealthy)',
  ]);
  const own = { ...complete, services: [service('rates', 'us', 'unknown')] };
  assert.deepEqual(sentences({ us: complete, eu: own, watch: own }), [
    'service rates: unknown in us to eu, watch (us says down)',
  ]);
});

test('the log that may say more is that of the process that is missing', () => {
  const services = [service('rates', 'us', 'unhealthy')];
  const [cause] = causesOf(missingAt('eu', { ...complete, services }, config));
  const spec = (kind: 'node' | 'service', of: string, name?: string) => ({
    id: '',
    kind,
    region: of,
    ...(name !== undefined && { service: name }),
    command: '',
    args: [],
    directory: '',
    environment: {},
    logPath: '',
  });
  assert.equal(cause!.concerns(spec('service', 'us', 'rates')), true);
  assert.equal(cause!.concerns(spec('service', 'eu', 'rates')), false);
  assert.equal(cause!.concerns(spec('node', 'us')), false);
});
