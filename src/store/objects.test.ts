import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { storeError } from './errors.ts';
import { MemoryStore } from './memory/memory-store.ts';
import { PartedObjects } from './objects.ts';
import { type Bucket, maximumValueBytes } from './store.ts';

const twoParts = new Uint8Array(800_000).fill(5);

describe('PartedObjects', () => {
  const fresh = () => {
    const bucket = new MemoryStore(systemClock).bucket('parts');
    return { bucket, objects: new PartedObjects(bucket) };
  };

  it('leaves no part behind after replacement and deletion', async () => {
    const { bucket, objects } = fresh();
    await objects.put('x', twoParts);
    await objects.put('x', twoParts);
    assert.equal((await bucket.keys('part.')).length, 2);
    await objects.delete('x');
    assert.deepEqual(await bucket.keys(), []);
  });

  it('refuses an object with a missing or changed part, or a damaged manifest', async () => {
    const { bucket, objects } = fresh();
    await objects.put('x', twoParts);
    const [first, second] = (await bucket.keys('part.')) as [string, string];
    const part = (await bucket.get(first))!.value;
    part[0]! ^= 1;
    await bucket.put(first, part);
    await assert.rejects(objects.get('x'), { code: 'object_damaged' });
    await bucket.put(second, new Uint8Array(maximumValueBytes));
    await assert.rejects(objects.get('x'), { code: 'object_damaged' });
    await bucket.delete(first);
    await assert.rejects(objects.get('x'), { code: 'object_damaged' });
    for (const manifest of ['', '{}', '{"version":1,"nonce":"../../x","parts":1}', 'null']) {
      await bucket.put('manifest.x', Buffer.from(manifest));
      await assert.rejects(objects.get('x'), { code: 'object_damaged' });
    }
  });

  it('cleans up after a write that surely failed, and not after one that may have happened', async () => {
    for (const [outcome, left] of [
      ['none', 0],
      ['unknown', 2],
    ] as const) {
      const { bucket } = fresh();
      const failing = failingCreate(bucket, outcome);
      await assert.rejects(new PartedObjects(failing).put('x', twoParts), {
        code: 'store_unreachable',
      });
      assert.equal((await bucket.keys('part.')).length, left, outcome);
    }
  });
});

/** A bucket whose `create` fails as a store out of reach does. */
function failingCreate(bucket: Bucket, outcome: 'none' | 'unknown'): Bucket {
  return {
    name: bucket.name,
    get: (key, options) => bucket.get(key, options),
    put: (key, value) => bucket.put(key, value),
    create: () => Promise.reject(storeError('store_unreachable', 'gone', { outcome })),
    update: (key, value, revision) => bucket.update(key, value, revision),
    delete: (key, revision) => bucket.delete(key, revision),
    keys: (prefix) => bucket.keys(prefix),
    watch: (prefix) => bucket.watch(prefix),
    staleForMs: () => 0,
  };
}
