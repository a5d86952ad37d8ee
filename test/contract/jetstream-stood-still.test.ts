import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { writeLimitMs } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { bytes } from './contract-values.ts';
import { persistently } from './faults.ts';

const skip = natsServerMissing();

for (const protection of [{ secret: 'a-secret-of-the-test' }, { tls: true }]) {
  const [kind] = Object.keys(protection);
  test(`a write that was confirmed while the process stood still is told so, by ${kind}`, {
    skip,
  }, async (t) => {
    const cluster = await NatsCluster.start({ regions: ['a'], leaves: ['a'], ...protection });
    const store = openStore(cluster.storeOptions('a'));
    t.after(async () => {
      await store.close();
      await cluster.close();
    });
    await eventually('the store', () => store.status().reachable, 60_000);
    const bucket = store.bucket('log');
    const revision = await persistently(() => bucket.put('k', bytes('1')));
    const written = bucket.put('k', bytes('2'));
    // Sent by what needs no turn of the loop; from then on no socket is read.
    for (let i = 0; i < 100; i++) await undefined;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, writeLimitMs + 1_000);
    assert.ok((await written) > revision);
  });
}
