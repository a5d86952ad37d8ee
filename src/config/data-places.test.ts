import assert from 'node:assert/strict';
import { test } from 'node:test';
import { regionsOfBucket, servesData } from './data-places.ts';
import { diffConfigs, restartOnly } from './diff.ts';
import { acceptDocument } from './document.ts';
import type { Config, ConfigInput } from './schema/config.ts';

const location = { latitude: 0, longitude: 0 };
const region = (last: number, kind: 'region' | 'edge' | 'witness' = 'region') => ({
  address: `127.0.${last}.1`,
  location,
  kind,
});

function configOf(data: ConfigInput['data'], more: Partial<ConfigInput> = {}): Config {
  const regions = {
    ed: region(1, 'edge'),
    us: region(2),
    wi: region(3, 'witness'),
    eu: region(4),
    ap: region(5),
  };
  const servers = Object.fromEntries(
    Object.keys(more.regions ?? regions).map((name) => [name, ['nats://127.0.0.1:4222']]),
  );
  const document = { regions, store: { engine: 'jetstream' as const, servers }, data, ...more };
  return acceptDocument(document, 'document').config;
}

test('copies of a bucket lie where services run, those of a sync one on the voters besides', () => {
  const config = configOf({});
  const of = (consistency: 'sync' | 'async', residency?: string[]) =>
    regionsOfBucket(config, { consistency, residency });
  assert.deepEqual(of('async'), ['us', 'eu', 'ap']);
  assert.deepEqual(of('async', ['eu']), ['eu']);
  assert.deepEqual(of('sync'), ['us', 'wi', 'eu', 'ap']);
  assert.deepEqual(of('sync', ['us', 'wi', 'eu']), ['us', 'wi', 'eu']);
});

test('without buckets nothing is served, and nowhere but in regions', () => {
  const some = configOf({ buckets: { a: { consistency: 'async' } } });
  assert.equal(servesData(configOf({}), 'eu'), false);
  assert.equal(servesData(some, 'eu'), true);
  for (const name of ['ed', 'wi', 'nowhere']) assert.equal(servesData(some, name), false);
});

test('a difference says what becomes of the data', () => {
  const bucket = (consistency: 'sync' | 'async', residency?: string[]) => ({
    consistency,
    ...(residency && { residency }),
  });
  const tokens = { rates: { token: 'secret:rates', rights: { other: 'write' as const } } };
  const before = configOf({
    buckets: {
      gone: bucket('async'),
      other: bucket('async'),
      moved: bucket('async', ['eu', 'us']),
      narrow: bucket('sync', ['eu', 'us', 'wi', 'ap']),
    },
    tokens,
  });
  const after = configOf({
    buckets: {
      other: bucket('sync'),
      moved: bucket('async', ['eu', 'ap']),
      narrow: bucket('sync', ['eu', 'us', 'wi']),
      fresh: bucket('async'),
    },
    tokens: { rates: { token: 'secret:rates-2', rights: { other: 'read' } } },
  });
  const { everywhere } = diffConfigs(before, after);
  assert.deepEqual(everywhere, [
    'added data bucket fresh',
    'removed data bucket gone',
    'changed data buckets other (consistency), moved (residency), narrow (residency)',
    'data bucket gone: services lose it; its data stays in the store, and is there again with a bucket of the same name and consistency',
    'data bucket other: begins EMPTY as sync; what it has as async stays in the store, where no service reaches it',
    'data bucket moved: is not served in us any more; the copy that is there STAYS until an operator removes it',
    'data bucket moved: is copied to ap',
    'data bucket narrow: is not served in ap any more; the copy that is there STAYS, and TAKES WHAT IS WRITTEN, until an operator removes it',
    'changed data token rates (token, rights)',
  ]);
  assert.deepEqual(restartOnly(before, after), []);
});
