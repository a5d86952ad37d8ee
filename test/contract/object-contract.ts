import assert from 'node:assert/strict';
import { it } from 'node:test';
import { maximumObjectBytes, maximumValueBytes, type Store } from '../../src/store/store.ts';
import { eventually, eventuallyRight } from '../support/eventually.ts';
import { pattern, rejects, type Stores } from './contract-values.ts';

export function objectContract(stores: Stores): void {
  it('stores what is larger than a value, and reads it elsewhere', async () => {
    const { near, far } = stores();
    const large = pattern(3 * maximumValueBytes + 17, 1);
    const revision = await near.objects('blobs').put('config.7', large);
    const read = await eventually('the object', () => far.objects('blobs').get('config.7'));
    assert.equal(read.revision, revision);
    assert.ok(Buffer.from(read.value).equals(large));
    await eventuallyRight(async () =>
      assert.deepEqual(await far.objects('blobs').keys('config.'), ['config.7']),
    );
  });

  it('replaces and deletes whole objects; an empty one is one', async () => {
    const objects = stores().near.objects('blobs');
    await objects.put('x', pattern(1_200_000, 2));
    const revision = await objects.put('x', new Uint8Array(0));
    const read = await eventually('the empty object', async () => {
      const object = await objects.get('x');
      return object?.revision === revision && object;
    });
    assert.equal(read.value.byteLength, 0);
    await objects.delete('x');
    await objects.delete('x');
    await eventually('the deletion', async () => !(await objects.get('x')));
  });

  it('never gives a mixture while two writers replace an object', async () => {
    const { near, far } = stores();
    let count = 0;
    let reading = true;
    // As long as it takes until there was something to read.
    const write = async (store: Store, seed: number) => {
      for (let i = 0; reading && (i < 4 || count === 0); i++)
        await store.objects('blobs').put('hot', pattern(700_000, seed));
    };
    let writing = true;
    const read = async () => {
      while (writing) {
        const object = await far.objects('blobs').get('hot');
        if (!object) continue;
        assert.ok(Buffer.from(object.value).equals(pattern(700_000, object.value[0]!)));
        count++;
      }
    };
    const reads = read().finally(() => {
      reading = false;
    });
    const writes = Promise.all([write(near, 3), write(far, 4)]).finally(() => {
      writing = false;
    });
    await Promise.all([writes, reads]);
    assert.ok(count > 0);
  });

  it('refuses an object that is too large', async () => {
    const tooLarge = new Uint8Array(maximumObjectBytes + 1);
    await rejects(stores().near.objects('blobs').put('huge', tooLarge), 'value_too_large');
  });
}
