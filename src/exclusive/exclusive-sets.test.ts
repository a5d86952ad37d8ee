import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { storeError } from '../store/errors.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import { ExclusiveSets } from './exclusive-sets.ts';
import { encodeLease, parseLease } from './lease-document.ts';
import type { Claim } from './lease-keeper.ts';
import type { Facts, LeaseSettings } from './lease-rules.ts';

const settings: LeaseSettings = {
  name: 'ledger',
  regions: ['eu', 'us'],
  leaseMs: 5_000,
  marginMs: 500,
  hold: false,
  prefer: 'holder',
};

/** Nodes of two regions over one store, in the turns of one clock. */
function deployment() {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const bucket = store.bucket('exclusive');
  const nodes = new Map<string, ReturnType<typeof start>>();
  const start = (region: string, over: Partial<LeaseSettings> = {}) => {
    const facts = { promotable: true, failing: false, leaving: false, sick: new Set<string>() };
    const node = {
      facts,
      claim: undefined as Claim | undefined,
      changes: [] as string[],
      asleepMs: 0,
      sets: undefined as unknown as ExclusiveSets,
      get active() {
        return clock.monotonicMs() < (node.claim?.untilMs ?? 0);
      },
      get status() {
        return node.sets.statuses()[0]!;
      },
    };
    node.sets = new ExclusiveSets({
      bucket,
      clock,
      region,
      node: region,
      facts: (): Facts => ({
        ...facts,
        wallMs: clock.wallMs(),
        healthy: (other) => !facts.sick.has(other),
      }),
      publish: (_set, claim) => {
        node.claim = claim;
      },
      onChange: ({ activeRegion, active }) => node.changes.push(`${activeRegion} ${active}`),
      bootMs: () => clock.monotonicMs() + node.asleepMs,
    });
    node.sets.configure([{ ...settings, ...over }]);
    nodes.set(region, node);
    return node;
  };
  /** Time passes; what the store answers is taken in on the way. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(50);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  };
  return { clock, bucket, start, pass, store };
}

test('the first of the list becomes active, is told everywhere, and stays', async () => {
  const { start, pass } = deployment();
  const [eu, us] = [start('eu'), start('us')];
  await pass(6_000);
  assert.deepEqual([eu.active, us.active], [true, false]);
  const { token } = eu.status;
  await pass(60_000);
  assert.deepEqual([eu.active, us.status.activeRegion], [true, 'eu']);
  assert.equal(eu.status.token, token, 'one tenure');
  assert.equal(eu.claim?.token, token);
  assert.deepEqual([eu.changes, us.changes], [['eu true'], ['eu false']]);
  assert.match(us.status.reason, /eu may hold the lease/);
});

test('a set that is back before it was given up goes on with the keeper that it had', async () => {
  const { start, pass, bucket } = deployment();
  // News of the store that are long in coming.
  bucket.watch = () => ({
    close() {},
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
  });
  const eu = start('eu');
  await pass(8_000);
  const update = bucket.update.bind(bucket);
  bucket.update = () => Promise.reject(storeError('no_quorum', 'none', { outcome: 'none' }));
  eu.sets.configure([]);
  await pass(200);
  assert.equal(eu.active, false);
  eu.sets.configure([settings]);
  bucket.update = update;
  for (let turn = 0; turn < 60; turn++) {
    await pass(50);
    const entry = await bucket.get('ledger');
    const isFree = Object.keys(parseLease(entry!.value)!.nodes).length === 0;
    assert.ok(!(isFree && eu.active), 'active, and free for others');
  }
  assert.equal(eu.active, true);
});

test('who ends lets go, and the other need not wait', async () => {
  const { start, pass } = deployment();
  const [eu, us] = [start('eu'), start('us')];
  await pass(6_000);
  const ended = eu.sets.close();
  await pass(300);
  await ended;
  assert.deepEqual([eu.active, us.active], [false, true]);
  assert.ok(us.status.token! > 1);
});

test('an operator hands over and back; what cannot be is refused with its reason', async () => {
  const { start, pass } = deployment();
  const [eu, us] = [start('eu'), start('us')];
  await assert.rejects(eu.sets.handOver('ledger', 'us', false), { code: 'exclusive_not_held' });
  await pass(6_000);
  await us.sets.handOver('ledger', 'us', false);
  await pass(400);
  assert.deepEqual([eu.active, us.active], [false, true]);
  assert.equal(eu.status.activeRegion, 'us');
  await us.sets.handOver('ledger', 'eu', false);
  await pass(400);
  assert.deepEqual([eu.active, us.active], [true, false]);
  assert.equal(us.status.changes, 2);
  await assert.rejects(eu.sets.handOver('nothing', 'eu', false), { code: 'exclusive_unknown' });
  await assert.rejects(eu.sets.handOver('ledger', 'ap', false), { code: 'exclusive_region' });
  eu.facts.sick.add('us');
  await assert.rejects(eu.sets.handOver('ledger', 'us', false), { code: 'exclusive_unfit' });
});

test('a holder that holds is let go of by force only, and after its lease', async () => {
  const { start, pass, bucket } = deployment();
  const [eu, us] = [start('eu', { hold: true }), start('us', { hold: true })];
  await pass(6_000);
  assert.equal(eu.active, true);
  // As if the node were lost: it neither writes nor reads any more.
  eu.facts.leaving = false;
  const entry = await bucket.get('ledger');
  const dead = JSON.parse(Buffer.from(entry!.value).toString()) as object;
  await bucket.put(
    'ledger',
    Buffer.from(JSON.stringify({ ...dead, nodes: { ghost: { leaseMs: 5_000, hold: true } } })),
  );
  await pass(600);
  assert.equal(eu.active, true, 'a sibling of the same region joins again');
  eu.sets.configure([]);
  await pass(60_000);
  assert.equal(us.active, false, 'the other node of eu holds');
  await us.sets.handOver('ledger', 'us', true);
  await pass(5_000);
  assert.equal(us.active, false);
  await pass(1_000);
  assert.equal(us.active, true);
});

test('while a node that holds is not heard a hand-over is refused by its name, at every node', async () => {
  const { start, pass, bucket } = deployment();
  const [eu, us] = [start('eu', { hold: true }), start('us', { hold: true })];
  await pass(6_000);
  const entry = await bucket.get('ledger');
  const document = parseLease(entry!.value)!;
  const nodes = { ...document.nodes, ghost: { leaseMs: 5_000, hold: true, follows: 1 } };
  await bucket.put('ledger', encodeLease({ ...document, nodes }));
  await pass(5_700);
  for (const { sets } of [eu, us]) {
    await assert.rejects(sets.handOver('ledger', 'us', false), {
      code: 'exclusive_held',
      message: /^ghost of eu holds on and is not heard, .* start it again, or use force/,
      details: { nodes: ['ghost'] },
    });
  }
  await eu.sets.handOver('ledger', 'eu', true);
  await pass(8_000);
  assert.deepEqual([eu.active, us.active, eu.status.nodes], [true, false, ['eu']]);
  await eu.sets.handOver('ledger', 'us', false);
  await pass(400);
  assert.deepEqual([eu.active, us.active], [false, true]);
});

test('by force a set begins where nothing stands in the store, or was deleted', async () => {
  for (const wasThere of [false, true]) {
    const { start, pass, bucket } = deployment();
    if (wasThere) {
      await bucket.put('ledger', Buffer.from('x'));
      await bucket.delete('ledger');
    }
    const [eu, us] = [start('eu'), start('us')];
    await assert.rejects(us.sets.handOver('ledger', 'us', false), { code: 'exclusive_not_held' });
    await us.sets.handOver('ledger', 'us', true);
    await pass(400);
    assert.deepEqual([eu.active, us.active], [false, true]);
  }
});

test('a machine that slept is not active when it wakes', async () => {
  const { start, pass } = deployment();
  const [eu] = [start('eu'), start('us')];
  await pass(6_000);
  eu.asleepMs += 300;
  await pass(50);
  await pass(50);
  assert.equal(eu.changes[1], 'undefined false');
});

test('a set that is configured no more is given up', async () => {
  const { start, pass } = deployment();
  const [eu, us] = [start('eu'), start('us')];
  await pass(6_000);
  eu.sets.configure([]);
  await pass(400);
  assert.deepEqual([eu.active, us.active], [false, true]);
});

test('rubbish in the store costs the holder its claim, and is taken over after a lease', async () => {
  const { start, pass, bucket } = deployment();
  const [eu, us] = [start('eu'), start('us')];
  await pass(6_000);
  await bucket.put('ledger', Buffer.from('{"version":1,"holder":["eu"]}'));
  await pass(50);
  assert.deepEqual([eu.active, us.active], [false, false]);
  await bucket.delete('ledger');
  await pass(5_400);
  assert.deepEqual([eu.active, us.active], [false, false]);
  await pass(600);
  assert.deepEqual([eu.active, us.active], [true, false]);
});

test('a store that is gone: the holder ends with its lease, and nobody is promoted', async () => {
  const { start, pass, store } = deployment();
  const [eu, us] = [start('eu'), start('us')];
  await pass(6_000);
  await store.close();
  await pass(5_000);
  assert.deepEqual([eu.active, us.active], [false, false]);
  await pass(60_000);
  assert.deepEqual([eu.active, us.active], [false, false]);
});
