import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config/load.ts';
import { fileRefusal } from '../region/start/file-refusal.ts';
import { fileRefusalsOf, otherTroubles } from './file-refusals.ts';
import { causesOf } from './missing.ts';
import { leaderlessAt, missingAt, type ReadinessView } from './readiness.ts';
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
type State = 'healthy' | 'unknown' | 'unhealthy';
const region = (name: string, state: State, nodes: Record<string, State> = {}) => ({
  name,
  gateway: { state, ...history },
  draining: false,
  addresses: Object.entries(nodes).map(([node, of], index) => {
    return { address: `127.0.2.${index + 1}`, node, state: of, draining: false };
  }),
  lastHeardSecondsAgo: undefined,
});
const at = (title: string) => ({ title, region: title.split('/')[0]! });
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
  endpoints:
    endpoint === undefined
      ? []
      : [{ address: endpoint, state, ejected: false, breaker: 'closed' as const }],
});
const revision: ReadinessView['revision'] = {
  hash: 'abc',
  sequence: 1,
  loadedAt: '2026-01-02T03:04:05.678Z',
  ageSeconds: 1,
  source: 'store',
  staleForSeconds: 0,
  appliedInSeconds: undefined,
  refused: undefined,
  pendingRestart: [],
};
const complete: ReadinessView = {
  degraded: [],
  revision,
  store: {
    engine: 'jetstream',
    reachable: true,
    outOfReachForSeconds: 0,
    lastError: undefined,
    serverVersion: undefined,
    buckets: [],
  },
  regions: [region('eu', 'healthy'), region('us', 'healthy'), region('watch', 'unknown')],
  services: [
    service('rates', 'eu', 'healthy'),
    service('rates', 'us', 'healthy'),
    service('rates', 'watch', 'unknown'),
    service('outside', 'eu', 'unhealthy'),
  ],
};
const sentences = (views: Record<string, ReadinessView>) =>
  causesOf(Object.entries(views).flatMap(([name, view]) => missingAt(at(name), view, config))).map(
    ({ sentence }) => sentence,
  );

test('a stack is complete without witnesses serving and without what it does not run', () => {
  assert.deepEqual(missingAt(at('eu'), complete, config), []);
});

test('what several nodes miss is said once, with those that miss it', () => {
  const store = { ...complete.store, reachable: false, lastError: 'refused' };
  const storeless = { ...complete, store };
  assert.deepEqual(sentences({ eu: storeless, us: storeless }), [
    'the store is out of reach of eu, us (refused)',
  ]);
  assert.deepEqual(sentences({ 'eu/a': storeless, 'eu/b': storeless }), [
    'the store is out of reach of eu/a, eu/b (refused)',
  ]);
  const gateless = { ...complete, regions: [region('eu', 'healthy'), region('us', 'unknown')] };
  assert.deepEqual(sentences({ eu: gateless, us: complete, watch: gateless }), [
    'the gateway of us is unknown to eu, watch',
  ]);
});

test('a stack has not settled before each node has the configuration from the store', () => {
  const fresh: ReadinessView = { ...complete, revision: { ...revision, source: 'file' } };
  assert.deepEqual(sentences({ eu: fresh, us: fresh }), [
    'the configuration is not in the store yet (seen by eu, us)',
  ]);
  const away = { ...fresh, store: { ...complete.store, reachable: false } };
  assert.deepEqual(sentences({ eu: away }), ['the store is out of reach of eu']);
  const memory = { ...fresh, store: { ...complete.store, engine: 'memory' as const } };
  const ownFile = { ...fresh, revision: { ...fresh.revision, staleForSeconds: undefined } };
  assert.deepEqual(sentences({ eu: memory, us: ownFile }), []);
});

test('nor before somebody knows a leader of each bucket', () => {
  const bucket = (name: string, leader?: string) => {
    return { name, leader, replicas: 3, quorum: true, lagMs: undefined, lagMessages: undefined };
  };
  const seeing = (...buckets: ReturnType<typeof bucket>[]) => ({
    store: { ...complete.store, buckets },
  });
  const eu = seeing(bucket('config', 'hub-eu'), bucket('shifts'), bucket('acks'));
  const us = seeing(bucket('config'), bucket('shifts'), bucket('acks', 'hub-us'));
  const missing = leaderlessAt([
    [at('eu'), eu],
    [at('us'), us],
  ]);
  assert.deepEqual(
    causesOf(missing).map(({ sentence }) => sentence),
    ['bucket shifts of the store has no leader yet (seen by eu, us)'],
  );
});

test('nodes that serve in spite of the file are told by their reasons, and that sentence once', () => {
  const refusing = (reason: string): ReadinessView => ({
    ...complete,
    revision: { ...revision, fileRefused: reason },
    degraded: [fileRefusal(reason), 'a thing is degraded'],
  });
  const [one, other] = [refusing('no file'), refusing('no key')];
  const seen = { eu: one, us: one, ap: other, watch: complete };
  const running = { sequence: 1, hash: 'abc' };
  assert.deepEqual(fileRefusalsOf(Object.entries(seen).map(([name, view]) => [at(name), view])), [
    { nodes: ['eu', 'us'], reason: 'no file', running },
    { nodes: ['ap'], reason: 'no key', running },
  ]);
  assert.deepEqual(otherTroubles(one), ['a thing is degraded']);
});

test('a region of several nodes is complete when each of them is healthy', () => {
  const eu = region('eu', 'healthy', { a: 'healthy', b: 'unknown' });
  const half = { ...complete, regions: [eu, region('us', 'healthy')] };
  const missing = missingAt(at('us'), half, config);
  assert.deepEqual(
    causesOf(missing).map(({ sentence }) => sentence),
    ['the gateway of eu/b is unknown to us (127.0.2.2)'],
  );
  const whole = region('eu', 'healthy', { a: 'healthy', b: 'healthy' });
  assert.deepEqual(missingAt(at('us'), { ...complete, regions: [whole] }, config), []);
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
  const [cause] = causesOf(missingAt(at('eu'), { ...complete, services }, config));
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
  const eu = region('eu', 'healthy', { a: 'healthy', b: 'unknown' });
  const [half] = causesOf(missingAt(at('us'), { ...complete, regions: [eu] }, config));
  const nodes = ['a', 'b'].map((node) => ({ ...spec('node', 'eu'), node }));
  assert.deepEqual(
    nodes.map((node) => half!.concerns(node)),
    [false, true],
  );
});
