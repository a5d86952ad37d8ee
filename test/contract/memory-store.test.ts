import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { bytes, rejects } from './contract-values.ts';
import { storeContract } from './store-contract.ts';

storeContract('memory', {
  skip: false,
  async open() {
    const store = openStore({ engine: 'memory' });
    return { near: store, far: store, close: () => store.close() };
  },
});

it('a closed memory store refuses calls and ends its watches', async () => {
  const store = openStore({ engine: 'memory' });
  const bucket = store.bucket('b');
  const events = bucket.watch()[Symbol.asyncIterator]();
  await events.next();
  await Promise.all([store.close(), store.close()]);
  assert.equal((await events.next()).done, true);
  await rejects(bucket.get('k'), 'store_closed');
  await rejects(bucket.put('k', bytes('v')), 'store_closed');
  assert.equal(store.status().reachable, false);
});
