import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { codeOf } from '../../src/base/errors.ts';
import type { Read } from '../../src/data/bucket.ts';
import { openSyncBucket } from '../../src/data/sync/sync-bucket.ts';
import { openStore } from '../../src/store/open.ts';
import { eventually } from '../support/eventually.ts';
import { fairTimer } from '../support/fair-time.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';

const regions = ['a', 'b', 'c'];
const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
const limitMs = 120_000;
const sizes = { maximumValue: 65_536, maximumSize: 64 * 1024 * 1024, conflicts: 60_000 };

it('knows how old a mirror is after its server was away, and not that of one that lost its disk', {
  skip: natsServerMissing(),
}, async (t) => {
  const cluster = await NatsCluster.start({ regions, leaves: ['b'], secret: 'a-secret-of-ours' });
  const store = openStore(cluster.storeOptions('b'));
  t.after(async () => {
    await store.close();
    await cluster.close();
  });
  const context = { store, region: 'b', regions, node: 'b', clock: systemClock, log };
  const bucket = openSyncBucket('b', { consistency: 'sync', ...sizes }, context);
  const tried = (operation: () => Promise<unknown>) => async () => {
    try {
      return (await operation()) ?? true;
    } catch {
      return undefined;
    }
  };
  await eventually(
    'a write',
    tried(() => bucket.put('k', Buffer.from('1'))),
    limitMs,
  );
  for (let i = 0; i < 1_000; i += 50) {
    const put = (_: unknown, j: number) => {
      const write = tried(() => bucket.put(`fill.${i + j}`, Buffer.alloc(8_000, 1)));
      return eventually('it is filled', write, limitMs);
    };
    await Promise.all(Array.from({ length: 50 }, put));
  }
  const isLevel = async () => (await bucket.get('k')).staleForMs < 2_000;
  await eventually('the mirror', tried(isLevel), limitMs);

  await Promise.all(regions.map((region) => cluster.kill('hub', region)));
  await cluster.kill('leaf', 'b');
  cluster.start('leaf', 'b');
  await eventually(
    'the mirror without its hub',
    tried(async () => {
      const { entry, staleForMs } = await bucket.get('k');
      return entry && Number.isFinite(staleForMs) ? true : undefined;
    }),
    limitMs,
  );
  // Not known to be the same mirror before it was looked at over the new connection.
  const none = await eventually(
    'what it does not have',
    tried(() => bucket.get('none')),
    limitMs,
  );
  assert.equal((none as Read).entry, undefined);
  for (const region of regions) cluster.start('hub', region);
  await eventually(
    'a write',
    tried(() => bucket.put('k', Buffer.from('2'))),
    limitMs,
  );

  await cluster.kill('leaf', 'b');
  cluster.forget('leaf', 'b');
  cluster.start('leaf', 'b');
  const again = () => store.status().reachable && bucket.status().problem === undefined;
  const seen = new Set<string>();
  const untilMs = performance.now() + 5_000;
  const passedMs = fairTimer();
  let last = '';
  // To its end: read from what is there again.
  while (performance.now() < untilMs || !again() || last !== 'value') {
    assert.ok(passedMs() < limitMs, `not there again: ${[...seen].join()}`);
    last = await bucket.get('k').then(
      ({ entry, staleForMs }) => (entry ? 'value' : `none, ${staleForMs} ms old`),
      (error) => String(codeOf(error)),
    );
    seen.add(last);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const expected = ['value', 'unreachable'];
  assert.deepEqual(
    [...seen].filter((one) => !expected.includes(one)),
    [],
  );
});
