import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { configSchema } from '../../config/schema/config.ts';
import type { OpenBucket } from '../../data/create-bucket.ts';
import { createLog } from '../../observability/log.ts';
import { openStore } from '../../store/open.ts';
import { noMaterial } from '../configuration/material.ts';
import { dataPlanOf } from './data-plan.ts';
import { OpenBuckets } from './open-buckets.ts';

const location = { latitude: 0, longitude: 0 };

function planOf(buckets: Record<string, object>) {
  const config = configSchema.parse({
    regions: { eu: { address: '127.0.0.1', location } },
    data: { buckets },
  });
  const own = { region: 'eu', node: 'eu', bind: '127.0.0.1' };
  return dataPlanOf({ config, own, material: noMaterial })!;
}

test('a bucket is never open twice, and what the plan has no more is closed', async (t) => {
  const events: string[] = [];
  const openBucket: OpenBucket = (name, { maximumSize }) => {
    const self = `${name} of ${maximumSize}`;
    events.push(`open ${self}`);
    const close = () => {
      events.push(`close ${self}`);
      return Promise.resolve();
    };
    return { name, close } as ReturnType<OpenBucket>;
  };
  const store = openStore({ engine: 'memory' });
  t.after(() => store.close());
  const log = createLog({ region: 'eu', clock: systemClock, write: () => undefined });
  const context = { ...{ store, log, clock: systemClock }, region: 'eu', node: 'eu' };
  const buckets = new OpenBuckets(openBucket, context);
  const a = { consistency: 'async', maximumSize: '16MiB' };
  const b = { consistency: 'sync', maximumSize: '16MiB' };
  buckets.use(planOf({ a, b }));
  assert.deepEqual(events.splice(0), ['open a of 16777216', 'open b of 16777216']);
  buckets.use(planOf({ a, b }));
  assert.deepEqual(events.splice(0), []);
  const served = buckets.use(planOf({ a: { ...a, maximumSize: '32MiB' }, b }));
  assert.deepEqual(events.splice(0), ['close a of 16777216', 'open a of 33554432']);
  assert.deepEqual([...served.keys()], ['a', 'b']);
  buckets.use(planOf({ b }));
  assert.deepEqual(events.splice(0), ['close a of 33554432']);
  await buckets.close();
  assert.deepEqual(events.splice(0), ['close b of 16777216']);
});
