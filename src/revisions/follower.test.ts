import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { changeTo, hashOf, type Tampering, tamperedStore } from '../../test/support/revisions.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { storeError } from '../store/errors.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import type { Watch, WatchEvent } from '../store/store.ts';
import { compareIntervalMs } from '../store/watch-and-compare.ts';
import { Follower, type FollowerOptions } from './follower.ts';
import { headKey } from './head.ts';
import type { RevisionInfo } from './revision.ts';
import { Revisions } from './revisions.ts';

const followers: Follower[] = [];
afterEach(() => {
  for (const follower of followers.splice(0)) follower.close();
});

/** One writer, and followers of the same store through whatever a test puts between. */
class World {
  readonly clock = new ManualClock();
  store = new MemoryStore(this.clock);
  writer = new Revisions(this.store, this.clock);
  readonly desired: string[] = [];
  readonly heads: string[] = [];
  readonly troubles: string[] = [];

  follow(tampering: Tampering = {}, more: Partial<FollowerOptions> = {}): Follower {
    const store = tamperedStore(this.store, {
      ...tampering,
      // The store of the moment: a test may have it made anew.
      get: (key, _, from) => {
        const call = () => this.store.bucket('config').get(key);
        return tampering.get?.(key, call, from) ?? call();
      },
    });
    const follower = new Follower({
      revisions: new Revisions(store, this.clock),
      region: 'west',
      clock: this.clock,
      random: () => 0,
      onDesired: (info) => this.desired.push(`${info.sequence} ${info.hash.slice(0, 4)}`),
      onHead: ({ current, rollout }) =>
        this.heads.push(`${current.sequence} ${rollout?.state ?? '-'} ${rollout?.reached ?? 0}`),
      onTrouble: (message) => this.troubles.push(message),
      ...more,
    });
    followers.push(follower);
    follower.start();
    return follower;
  }

  async settle(): Promise<void> {
    for (let count = 0; count < 40; count++) await turn();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  async writeHead(bytes: Uint8Array): Promise<void> {
    await this.store.bucket('config').put(headKey, bytes);
    await this.settle();
  }
}

const named = (sequence: number, content: string) => `${sequence} ${hashOf(content).slice(0, 4)}`;
const asAna = { author: 'ana', message: '' };

/** A watch that stands and never says a word. */
function silence(): Watch {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    close: resolve,
    async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void, undefined> {
      await promise;
      yield* [];
    },
  };
}

test('what the region is to run is told at once, and whenever it changes', async () => {
  const world = new World();
  const first = await world.writer.apply(changeTo('1', undefined));
  const follower = world.follow();
  await world.settle();
  assert.deepEqual(world.desired, [named(1, '1')]);
  const second = await world.writer.apply(changeTo('2', first));
  await world.settle();
  assert.deepEqual(world.desired, [named(1, '1'), named(2, '2')]);
  assert.deepEqual(follower.head?.current, second);
  await world.pass(compareIntervalMs);
  assert.equal(world.desired.length, 2, 'told once');
  assert.deepEqual(world.troubles, []);
});

test('a region follows a rollout when its wave is reached, and back', async () => {
  const world = new World();
  const first = await world.writer.apply(changeTo('1', undefined));
  world.follow();
  const rollout = {
    waves: [['east'], ['west']],
    pauseMs: 0,
    bounds: { errorShare: 0, readyShare: 1 },
  };
  await world.writer.apply(changeTo('2', first, { rollout }));
  await world.settle();
  const move = async (action: 'advance' | 'rollBack') => {
    await world.writer.moveRollout((await world.writer.head())!, action, 'x', []);
    await world.settle();
  };
  assert.deepEqual(world.desired, [named(1, '1')]);
  await move('advance');
  assert.deepEqual(world.desired, [named(1, '1'), named(2, '2')]);
  await move('rollBack');
  assert.deepEqual(world.desired, [named(1, '1'), named(2, '2'), named(1, '1')]);
  assert.deepEqual(world.heads, ['1 - 0', '2 running 1', '2 running 2', '2 rolledBack 2']);
});

test('a watch that stopped in silence costs one interval at most', async () => {
  const world = new World();
  const first = await world.writer.apply(changeTo('1', undefined));
  world.follow({ watch: silence });
  await world.settle();
  await world.writer.apply(changeTo('2', first));
  await world.settle();
  assert.deepEqual(world.desired, [named(1, '1')], 'the watch is silent indeed');
  await world.pass(compareIntervalMs);
  assert.deepEqual(world.desired, [named(1, '1'), named(2, '2')]);
});

test('a watch that ends or fails is begun again', async () => {
  const world = new World();
  let watches = 0;
  world.follow({
    get: async () => undefined,
    watch(call) {
      watches++;
      if (watches === 1) throw storeError('store_unreachable', 'not now');
      const watch = call();
      if (watches === 2) watch.close();
      return watch;
    },
  });
  await world.settle();
  await world.pass(500);
  await world.writer.apply(changeTo('1', undefined));
  await world.pass(500);
  assert.equal(watches, 3);
  assert.deepEqual(world.desired, [named(1, '1')]);
});

test('staleness counts from when the head was last known to be the newest', async () => {
  const world = new World();
  const { clock } = world;
  let reach: 'all' | 'replica' | 'none' = 'none';
  let replicaIsOldMs = 0;
  const follower = world.follow({
    get: async (_, call, from) => {
      if (reach === 'none' || (reach === 'replica' && from === 'leader')) {
        throw storeError('store_unreachable', 'out of reach');
      }
      const entry = await call();
      return entry && { ...entry, staleForMs: from === 'leader' ? 0 : replicaIsOldMs };
    },
  });
  await world.settle();
  assert.equal(follower.staleForMs(), Number.POSITIVE_INFINITY);
  await world.writer.apply(changeTo('1', undefined));
  await world.settle();
  assert.deepEqual(world.desired, [named(1, '1')]);
  assert.equal(follower.staleForMs(), Number.POSITIVE_INFINITY, 'a watch does not say how old');
  reach = 'all';
  await world.pass(compareIntervalMs);
  assert.equal(follower.staleForMs(), 0);
  reach = 'replica';
  replicaIsOldMs = 60_000;
  await world.pass(compareIntervalMs);
  assert.equal(follower.staleForMs(), 5_000, 'it was known to be current later than that');
  replicaIsOldMs = 1_000;
  await world.pass(compareIntervalMs);
  assert.equal(follower.staleForMs(), 1_000);
  reach = 'none';
  await world.pass(3_000);
  assert.equal(follower.staleForMs(), 4_000);
  assert.equal(clock.monotonicMs(), 18_000);
  assert.deepEqual(world.troubles, [], 'the store tells itself that it is out of reach');
});

test('a store without a revision is current, and says nothing', async () => {
  const world = new World();
  const follower = world.follow();
  await world.settle();
  assert.equal(follower.staleForMs(), 0);
  assert.equal(follower.head, undefined);
  assert.deepEqual([world.desired, world.troubles], [[], []]);
});

test('a damaged head is told, and the last good one kept until a good one comes', async () => {
  const world = new World();
  const first = await world.writer.apply(changeTo('1', undefined));
  const follower = world.follow();
  await world.settle();
  const good = (await world.store.bucket('config').get(headKey))!.value;
  await world.writeHead(Buffer.from('{"version":1}'));
  assert.deepEqual(follower.head?.current, first);
  const message = 'what the store holds of the head of the configuration cannot be read: current';
  assert.deepEqual([world.troubles, follower.trouble], [[message], message]);
  await world.pass(compareIntervalMs);
  assert.deepEqual(world.troubles, [message], 'told once');
  assert.equal(follower.staleForMs(), compareIntervalMs, 'it is not known to be current');
  await world.writeHead(good);
  await world.writer.apply(changeTo('2', first));
  await world.settle();
  assert.deepEqual(world.desired, [named(1, '1'), named(2, '2')]);
  assert.equal(follower.trouble, undefined);
});

test('a torn head is given back by who follows it', async () => {
  const world = new World();
  const first = await world.writer.apply(changeTo('1', undefined));
  world.follow();
  await world.settle();
  await world.writeHead(Buffer.from('{"version":1,"curr'));
  await world.pass(compareIntervalMs);
  assert.match(world.troubles.at(-1)!, /was torn: revision 1, which was seen, is given back/);
  await world.writer.apply(changeTo('2', first));
  await world.settle();
  assert.deepEqual(world.desired, [named(1, '1'), named(2, '2')]);
});

test('a head that is deleted changes nothing but what is told', async () => {
  const world = new World();
  await world.writer.apply(changeTo('1', undefined));
  const follower = world.follow();
  await world.settle();
  await world.store.bucket('config').delete(headKey);
  await world.pass(compareIntervalMs);
  assert.equal(follower.head?.current.sequence, 1);
  assert.match(follower.trouble ?? '', /no revision any more/);
});

test('a replica that lags never takes a region back', async () => {
  const world = new World();
  const first = await world.writer.apply(changeTo('1', undefined));
  const old = (await world.store.bucket('config').get(headKey))!;
  await world.writer.apply(changeTo('2', first));
  let lags = false;
  const follower = world.follow({
    watch: silence,
    get: async (_, call, from) => {
      if (lags && from === 'leader') throw storeError('store_unreachable', 'out of reach');
      return lags ? { ...old, staleForMs: 0 } : await call();
    },
  });
  await world.settle();
  lags = true;
  await world.pass(compareIntervalMs);
  assert.deepEqual(world.desired, [named(2, '2')]);
  assert.deepEqual(world.troubles, []);
  assert.equal(follower.staleForMs(), compareIntervalMs);
});

test('an answer of the leader that the watch has overtaken is no trouble', async () => {
  const world = new World();
  let slow: Promise<void> | undefined;
  const first = await world.writer.apply(changeTo('1', undefined));
  const follower = world.follow({
    async get(_, call) {
      const entry = await call();
      await slow;
      return entry;
    },
  });
  await world.settle();
  const { promise, resolve } = Promise.withResolvers<void>();
  slow = promise;
  await world.pass(compareIntervalMs);
  await world.writer.apply(changeTo('2', first));
  await world.settle();
  resolve();
  await world.settle();
  assert.deepEqual(world.desired, [named(1, '1'), named(2, '2')]);
  assert.equal(follower.trouble, undefined);
  assert.deepEqual(world.troubles, []);
});

/** Another store in the place of the first, with nothing in it. */
async function makeAnew(world: World): Promise<void> {
  world.store = new MemoryStore(world.clock);
  world.writer = new Revisions(world.store, world.clock);
}

test('a store that was made anew is not followed back, and is from where it goes on', async () => {
  const world = new World();
  let last: RevisionInfo | undefined;
  for (const content of ['1', '2', '3']) last = await world.writer.apply(changeTo(content, last));
  const follower = world.follow({ watch: silence });
  await world.settle();
  await makeAnew(world);
  const first = await world.writer.apply(changeTo('old', undefined));
  await world.pass(compareIntervalMs);
  assert.deepEqual(world.desired, [named(3, '3')]);
  assert.match(follower.trouble ?? '', /the store says revision 1, and revision 3 .* not followed/);
  await world.writer.apply(changeTo('new', first, { after: 3 }));
  await world.pass(compareIntervalMs);
  assert.deepEqual(world.desired, [named(3, '3'), named(4, 'new')]);
  assert.match(world.troubles.at(-1) ?? '', /made anew/);
  await world.pass(compareIntervalMs);
  assert.equal(follower.trouble, undefined);
});

test('a later write of an earlier sequence is not followed', async () => {
  const world = new World();
  const first = await world.writer.apply(changeTo('1', undefined));
  const old = (await world.store.bucket('config').get(headKey))!.value;
  await world.writer.apply(changeTo('2', first));
  const follower = world.follow();
  await world.settle();
  await world.writeHead(old);
  assert.deepEqual(world.desired, [named(2, '2')]);
  assert.match(follower.trouble ?? '', /not followed/);
});

test('a node that restarts does not go back behind its snapshot', async () => {
  const world = new World();
  const first = await world.writer.apply(changeTo('1', undefined));
  const follower = world.follow({}, { seen: { sequence: 2, hash: hashOf('2') } });
  await world.settle();
  assert.deepEqual(world.desired, []);
  assert.match(follower.trouble ?? '', /the store says revision 1, and revision 2/);
  await world.writer.apply(changeTo('2', first));
  await world.settle();
  assert.deepEqual(world.desired, [named(2, '2')]);
});

test('after close nothing is told and no timer is left to run', async () => {
  const world = new World();
  const first = await world.writer.apply(changeTo('1', undefined));
  let reads = 0;
  const follower = world.follow({ get: (_, call) => call().finally(() => void reads++) });
  await world.settle();
  follower.close();
  const before = reads;
  await world.writer.apply(changeTo('2', first));
  await world.pass(60_000);
  assert.deepEqual(world.desired, [named(1, '1')]);
  assert.equal(reads, before);
});

test('whatever happens to the head, what is followed never falls and is the newest in the end', async () => {
  const step = fc.constantFrom('apply', 'rollback', 'damage', 'cut', 'heal', 'time');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const world = new World();
      let cut = false;
      let base = await world.writer.apply(changeTo('first', undefined));
      const sequences: number[] = [];
      world.follow(
        {
          watch: silence,
          get: (_, call) => {
            if (cut) throw storeError('store_unreachable', 'cut');
            return call();
          },
        },
        { onHead: ({ current }) => sequences.push(current.sequence) },
      );
      const bucket = world.store.bucket('config');
      let good = (await bucket.get(headKey))!.value;
      for (const [index, what] of steps.entries()) {
        if (what === 'cut' || what === 'heal') cut = what === 'cut';
        if (what === 'time') await world.pass(compareIntervalMs);
        if (what === 'damage') await world.writeHead(Buffer.from(`damage ${index}`));
        if (what !== 'apply' && what !== 'rollback') continue;
        await bucket.put(headKey, good);
        const undo = what === 'rollback' && base.sequence > 1;
        base = undo
          ? await world.writer.rollback({ ...asAna, base }).catch(() => base!)
          : await world.writer.apply(changeTo(`${index}`, base));
        good = (await bucket.get(headKey))!.value;
      }
      cut = false;
      await bucket.put(headKey, good);
      await world.pass(compareIntervalMs);
      assert.deepEqual(
        sequences,
        sequences.toSorted((a, b) => a - b),
      );
      assert.equal(sequences.at(-1), base.sequence);
      for (const follower of followers.splice(0)) follower.close();
    }),
    { numRuns: 40 },
  );
});
