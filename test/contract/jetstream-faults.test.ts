import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isStoreError } from '../../src/store/errors.ts';
import type { Bucket } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { fairTimer } from '../support/fair-time.ts';
import { natsServerMissing } from '../support/nats-cluster.ts';
import { bytes, rejects, text } from './contract-values.ts';
import {
  closesInTime,
  collect,
  failsInTime,
  persistently,
  recoveryMs,
  underFaults,
} from './faults.ts';

// Side by side: most of the time is spent waiting for elections.
describe('jetstream under faults', { skip: natsServerMissing(), concurrency: 3 }, () => {
  underFaults('the majority is lost', (faults) => {
    it('no majority: writes fail in bounded time, reads and watches go on', async () => {
      const revision = await persistently(() => faults.near.bucket('log').put('kept', bytes('1')));
      await eventually('the mirrors', () =>
        [faults.near, faults.far].every((store) => store.bucket('log').staleForMs() < 1_500),
      );
      await Promise.all([faults.cluster.kill('hub', 'b'), faults.cluster.kill('hub', 'c')]);

      await Promise.all([
        failsInTime(faults.near.bucket('log').put('x', bytes('1'))),
        failsInTime(faults.near.bucket('log').update('kept', bytes('2'), revision)),
        failsInTime(faults.far.bucket('log').create('y', bytes('1'))),
        failsInTime(faults.far.bucket('log').delete('start')),
      ]);
      await eventually(
        'to notice',
        () => !faults.near.status().reachable && !faults.far.status().reachable,
      );
      const first = faults.near.status().outOfReachForMs;
      const entry = await faults.near.bucket('log').get('kept');
      assert.equal(text(entry!.value), '1');
      assert.deepEqual(await faults.far.bucket('log').keys('kept'), ['kept']);
      const later = await eventually('time to pass', async () => {
        const read = await faults.near.bucket('log').get('kept');
        return read!.staleForMs > entry!.staleForMs + 200 && read;
      });
      assert.equal(later.revision, revision);
      assert.ok(faults.near.status().outOfReachForMs > first);

      faults.cluster.start('hub', 'b');
      await eventually('the majority', faults.bothReachable, recoveryMs);
      // The update that failed may happen now: then the key's revision is another one again.
      await eventually('an update', async () => {
        const current = await persistently(() =>
          faults.near.bucket('log').get('kept', { from: 'leader' }),
        );
        const update = faults.near.bucket('log').update('kept', bytes('3'), current!.revision);
        return await update.catch((error: unknown) => isStoreError(error) && undefined);
      });
      await eventually('the watch to go on', () => faults.watched.includes('kept=3'));
    });

    it('frozen leaf: errors in bounded time, then back, with nothing missed', async () => {
      faults.cluster.freeze('leaf', 'a');
      try {
        const tookMs = fairTimer();
        await Promise.all([
          failsInTime(faults.near.bucket('log').put('late', bytes('0')), 'unknown'),
          failsInTime(faults.near.bucket('log').get('start')),
        ]);
        await eventually('to notice', () => !faults.near.status().reachable, 4_000);
        assert.ok(tookMs() < 6_500, 'noticed too late');
        assert.match(
          faults.near.status().lastError ?? '',
          /127\.0\.1\.1:\d+|no majority|connection/,
        );
        for (const value of ['1', '2'])
          await persistently(() => faults.far.bucket('log').put('meanwhile', bytes(value)));
      } finally {
        faults.cluster.thaw('leaf', 'a');
      }
      const back = () => {
        const status = faults.near.status();
        return status.reachable && status;
      };
      const { outOfReachForMs } = await eventually('the leaf', back, recoveryMs);
      assert.equal(outOfReachForMs, 0);
      await eventually('the watch to go on', () => faults.watched.includes('meanwhile=2'));
    });

    it('a wrong secret is a state with a reason, which does not tell the secret', async () => {
      const secret = 'not-the-secret-at-all';
      const store = faults.open('a', secret);
      await eventually('the refusal', () => /authorization/i.test(store.status().lastError ?? ''));
      assert.ok(!JSON.stringify(store.status()).includes(secret));
      await closesInTime(store);
    });

    it('closes within a second, frozen server or not, and says so afterwards', async () => {
      const store = faults.open('b');
      const bucket = store.bucket('log');
      const watch = collect(bucket.watch());
      await eventually('the watch', () => watch.includes('caughtUp'));
      faults.cluster.freeze('leaf', 'b');
      try {
        const write = bucket.put('x', bytes('1')).catch((error: unknown) => error);
        await closesInTime(store);
        assert.ok(isStoreError(await write, 'store_closed'), String(await write));
        await rejects(bucket.get('x'), 'store_closed');
        assert.throws(() => store.bucket('another'), { code: 'store_closed' });
      } finally {
        faults.cluster.thaw('leaf', 'b');
      }
    });
  });

  underFaults('a leader is lost', (faults) => {
    it('leader killed amid concurrent writers: no acknowledged increment is lost or doubled', async () => {
      await persistently(() => faults.near.bucket('cas').put('counter', bytes('0')));
      let running = true;
      const writing = [faults.near, faults.far, faults.near].map((store) =>
        increment(store.bucket('cas'), () => running),
      );
      const counted = async () => {
        const entry = await faults.near.bucket('cas').get('counter', { from: 'leader' });
        return Number(text(entry!.value));
      };
      try {
        await faults.cluster.kill('hub', await faults.leaderOf('cas'));
        const before = await persistently(counted);
        await persistently(async () => {
          while ((await counted()) < before + 20);
        });
      } finally {
        running = false;
      }
      const tallies = await Promise.all(writing);
      const acknowledged = tallies.reduce((sum, tally) => sum + tally.acknowledged, 0);
      const unknown = tallies.reduce((sum, tally) => sum + tally.unknown, 0);
      const counter = await persistently(counted);
      assert.ok(
        counter >= acknowledged && counter <= acknowledged + unknown,
        `${acknowledged} acknowledged, ${unknown} unknown, counted ${counter}`,
      );
    });
  });

  underFaults('everything is lost', (faults) => {
    it('all servers killed and back: the same store goes on, and so does its watch', async () => {
      const before = await persistently(() => faults.far.bucket('log').put('durable', bytes('1')));
      await eventually('the watch', () => faults.watched.includes('durable=1'));
      const seen = faults.watched.length;
      await faults.cluster.killAll();

      const latecomer = faults.open('b');
      await Promise.all([
        failsInTime(latecomer.bucket('log').put('early', bytes('1')), 'none'),
        failsInTime(faults.near.bucket('log').put('x', bytes('1'))),
        failsInTime(faults.near.bucket('log').get('durable')),
        failsInTime(faults.near.bucket('log').keys()),
      ]);
      assert.equal(faults.near.signal('s').publish(bytes('lost')), false);
      const status = faults.near.status();
      assert.deepEqual([status.reachable, status.server], [false, undefined]);
      assert.match(status.lastError ?? '', /127\.0\.1\.1:\d+/);
      assert.ok(status.outOfReachForMs > 0);

      faults.cluster.startAll();
      await eventually(
        'all',
        () => faults.bothReachable() && latecomer.status().reachable,
        recoveryMs,
      );
      const durable = () => faults.near.bucket('log').get('durable', { from: 'leader' });
      // A leader that has just been elected may not have applied all that it has.
      await eventually('it', async () => (await persistently(durable))?.revision === before);
      const after = await persistently(() => latecomer.bucket('log').put('durable', bytes('2')));
      assert.ok(after > before);
      await eventually('the watch to go on', () => faults.watched.includes('durable=2'));
      const repeated = faults.watched.slice(seen).filter((event) => event === 'durable=1');
      assert.deepEqual(repeated, [], 'a revision was delivered twice');
    });
  });
});

interface Tally {
  acknowledged: number;
  unknown: number;
}

/** Adds 1 by compare-and-set as often as it can, and counts what it was told. */
async function increment(bucket: Bucket, running: () => boolean): Promise<Tally> {
  const tally = { acknowledged: 0, unknown: 0 };
  while (running()) {
    try {
      const entry = await bucket.get('counter', { from: 'leader' });
      // A leader that has just been elected may not have applied all that it has.
      if (!entry) continue;
      const next = bytes(String(Number(text(entry.value)) + 1));
      await bucket.update('counter', next, entry.revision);
      tally.acknowledged++;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (error.details.outcome === 'unknown') tally.unknown++;
    }
  }
  return tally;
}
