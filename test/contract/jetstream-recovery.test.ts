import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { isStoreError } from '../../src/store/errors.ts';
import type { BucketStatus, Store } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { fairTimer } from '../support/fair-time.ts';
import { natsServerMissing } from '../support/nats-cluster.ts';
import { bytes, text } from './contract-values.ts';
import { type Faults, failsInTime, type Protection, persistently, underFaults } from './faults.ts';

/**
 * How soon writes succeed again. `REPEAT=10` does everything ten times with either protection
 * and tells median and worst, for `docs/decisions/jetstream.md`.
 */
const repeat = Number(process.env.REPEAT ?? 1);
const inShort = repeat === 1;
/** Of the promise; other files run beside the short form, and three of its clusters at once. */
const leaderLimitMs = inShort ? 12_000 : 5_000;
const majorityLimitMs = inShort ? 20_000 : 10_000;

/** The status is asked for every 2 s, and a voter counts as gone after 3.5 s of silence. */
const seenWithinMs = 15_000;
/** After a loss, nature takes its course: nats-server waits 30 s for a lost request of a mirror. */
const mirrorsWithinMs = inShort ? 20_000 : 120_000;

type Blow = 'kill' | 'freeze';

describe('recovery of the store', { skip: natsServerMissing(), concurrency: 3 }, () => {
  leaderLost('kill', 'secret');
  if (!inShort) leaderLost('kill', 'tls');
  leaderLost('freeze', 'tls');
  if (!inShort) leaderLost('freeze', 'secret');
  majorityLost('freeze', 'secret');
  if (!inShort) majorityLost('freeze', 'tls');
  majorityLost('kill', 'tls');
  if (!inShort) majorityLost('kill', 'secret');
});

function leaderLost(blow: Blow, protection: Protection): void {
  underFaults(
    `a leader is lost: ${blow}, by ${protection}`,
    (faults) => {
      it('writes succeed again within seconds, from everywhere', async (t) => {
        const tookMs: number[] = [];
        for (let round = 0; round < repeat; round++) {
          const leader = await faults.leaderOf('log');
          const sinceMs = fairTimer();
          await strike(faults, blow, leader);
          tookMs.push(...(await writtenAgain(faults, sinceMs)));
          await eventually(
            'the loss to be seen',
            () => statusOf(faults)?.current === 2,
            seenWithinMs,
          );
          await heal(faults, blow, leader);
        }
        report(t, tookMs);
        assert.ok(Math.max(...tookMs) < leaderLimitMs, `took ${tookMs.map(Math.round)} ms`);
      });
    },
    protection,
  );
}

function majorityLost(blow: Blow, protection: Protection): void {
  underFaults(
    `two of three voters are lost: ${blow}, by ${protection}`,
    (faults) => {
      it('reads go on, writes say no_quorum, and succeed soon after one comes back', async (t) => {
        const tookMs: number[] = [];
        for (let round = 0; round < repeat; round++) {
          await faults.leaderOf('log');
          const value = bytes(`round ${round}`);
          await persistently(() => faults.near.bucket('log').put('kept', value));
          await eventually('the mirrors', () => mirrored(faults, 'kept', value), mirrorsWithinMs);
          const lost = ['c', 'a', 'b'].filter((_, i) => i !== round % 3);
          await Promise.all(lost.map((region) => strike(faults, blow, region)));

          await failsAsNoQuorum(faults);
          for (const store of [faults.near, faults.far]) {
            const readMs = fairTimer();
            assert.ok(await holds(store, 'kept', value));
            assert.ok(readMs() < 1_000, 'a read waited');
          }
          const [first, ...others] = lost;
          const sinceMs = fairTimer();
          await heal(faults, blow, first!);
          tookMs.push(...(await writtenAgain(faults, sinceMs)));
          await persistently(() => faults.far.bucket('log').put('back', value));
          await eventually('the watch', () => faults.watched.includes(`back=round ${round}`));
          await Promise.all(others.map((region) => heal(faults, blow, region)));
        }
        report(t, tookMs);
        assert.ok(Math.max(...tookMs) < majorityLimitMs, `took ${tookMs.map(Math.round)} ms`);
      });
    },
    protection,
  );
}

function statusOf({ near }: Pick<Faults, 'near'>): BucketStatus | undefined {
  return near.status().buckets.find(({ name }) => name === 'log');
}

async function strike({ cluster }: Faults, blow: Blow, region: string): Promise<void> {
  if (blow === 'kill') await cluster.kill('hub', region);
  else cluster.freeze('hub', region);
}

async function heal({ cluster }: Faults, blow: Blow, region: string): Promise<void> {
  if (blow === 'kill') cluster.start('hub', region);
  else cluster.thaw('hub', region);
}

/** Time, on `sinceMs`, until a write from each region is confirmed. */
function writtenAgain(faults: Faults, sinceMs: () => number): Promise<number[]> {
  const write = async (store: Store, key: string) => {
    await persistently(() => store.bucket('log').put(key, bytes('1')));
    return sinceMs();
  };
  return Promise.all([write(faults.near, 'near'), write(faults.far, 'far')]);
}

/** In time; once the leaf has found another way to the hub, for the reason that it is. */
async function failsAsNoQuorum({ near, far }: Faults): Promise<void> {
  await Promise.all(
    [near, far].map((store) => failsInTime(store.bucket('log').put('x', bytes('1')))),
  );
  await eventually(
    'the reason',
    async () => {
      const error = await near
        .bucket('log')
        .put('x', bytes('1'))
        .catch((reason: unknown) => reason);
      return isStoreError(error, 'no_quorum');
    },
    15_000,
  );
  await eventually(
    'the leader to be missed',
    () => {
      const { buckets, reachable } = near.status();
      return !reachable && buckets.find(({ name }) => name === 'log')?.quorum === false;
    },
    15_000,
  );
}

/** Both regions' own replicas have it. */
async function mirrored({ near, far }: Faults, key: string, value: Uint8Array): Promise<boolean> {
  const held = [near, far].map(
    async (store) => store.bucket('log').staleForMs() < 1_500 && (await holds(store, key, value)),
  );
  return (await Promise.all(held)).every(Boolean);
}

async function holds(store: Store, key: string, value: Uint8Array): Promise<boolean> {
  const entry = await store.bucket('log').get(key);
  return entry !== undefined && text(entry.value) === text(value);
}

function report(t: TestContext, tookMs: readonly number[]): void {
  const sorted = tookMs.map(Math.round).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  t.diagnostic(
    `again after ${median} ms (median of ${sorted.length}), at worst ${sorted.at(-1)} ms`,
  );
}
