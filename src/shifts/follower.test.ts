import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import { ShiftFollower } from './follower.ts';
import type { ShiftDocument } from './shift.ts';
import { Shifts, shiftsKey } from './shifts.ts';
import { configOf, planOf, settled } from './testdata/deployment.ts';

const config = configOf();
const wish = { author: 'ana', message: '', known: undefined };

function follow(shifts: Shifts, clock: ManualClock, known?: ShiftDocument) {
  const seen: number[] = [];
  const troubles: string[] = [];
  const follower = new ShiftFollower({
    ...{ shifts, clock, known, random: () => 0 },
    onDocument: ({ sequence }) => void seen.push(sequence),
    onTrouble: (message) => void troubles.push(message),
  });
  follower.start();
  return { follower, seen, troubles };
}

test('the newest holds: what is older or damaged changes nothing, and what is older is put right', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const shifts = new Shifts(store, clock);
  const first = await shifts.start(planOf(), config, wish);
  const second = await shifts.operate(first.shifts[0]!.id, 'finish', wish);
  const { follower, seen, troubles } = follow(new Shifts(store, clock), clock);
  await eventually('the newest', () => follower.document?.sequence === 2);
  const bucket = store.bucket('shifts');
  await bucket.put(shiftsKey, Buffer.from(JSON.stringify(first)));
  await bucket.put(shiftsKey, Buffer.from('{"version":1'));
  await eventually('a word on what is damaged', () =>
    troubles.some((one) => /cannot be read/.test(one)),
  );
  assert.deepEqual([follower.document?.sequence, seen], [2, [2]]);
  await bucket.put(shiftsKey, Buffer.from(JSON.stringify(first)));
  clock.advance(5_000);
  await eventually('a word on what is older', () =>
    troubles.some((one) => /change 2 was seen/.test(one)),
  );
  assert.deepEqual(follower.document, second);
  await eventually(
    'the store has it again',
    async () => (await shifts.read())?.document.sequence === 2,
  );
  assert.deepEqual(
    (await shifts.events(9)).map(({ action }) => action),
    ['finish', 'start'],
  );
  clock.advance(5_000);
  await eventually('all is well', () => follower.trouble === undefined);
  follower.close();
});

test('what is torn in the store is put right from what was seen, by whoever finds it first', async () => {
  for (const torn of ['', '{"version":1', '[]', 'null', '\u0000\u0000']) {
    const clock = new ManualClock();
    const store = new MemoryStore(clock);
    const known = await new Shifts(store, clock).start(planOf(), config, wish);
    const bucket = store.bucket('shifts');
    await bucket.put(shiftsKey, Buffer.from(torn));
    await assert.rejects(new Shifts(store, clock).start(planOf(), config, wish));
    const nodes = [1, 2].map(() => follow(new Shifts(store, clock), clock, known));
    const document = async () =>
      (await new Shifts(store, clock).read().catch(() => undefined))?.document;
    await eventually('it is there again', async () => {
      clock.advance(1_000);
      return (await document())?.sequence === known.sequence;
    });
    const told = nodes.flatMap(({ troubles }) => troubles).join();
    assert.match(told, /was torn: change 1, which was seen, is given back/);
    clock.advance(5_000);
    await eventually('all is well', () =>
      nodes.every(({ follower }) => follower.trouble === undefined),
    );
    for (const { follower } of nodes) follower.close();
  }
});

test('of what the store holds damaged nothing is overwritten: a newer node may have written it', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const known = await new Shifts(store, clock).start(planOf(), config, wish);
  const bucket = store.bucket('shifts');
  await bucket.put(shiftsKey, Buffer.from('{"version":2}'));
  const shifts = new Shifts(store, clock);
  let watches = 0;
  const watch = shifts.watch.bind(shifts);
  shifts.watch = () => {
    watches++;
    return watch();
  };
  const { follower, troubles } = follow(shifts, clock, known);
  await eventually('a word on it', () => troubles.some((one) => /cannot be read/.test(one)));
  for (let second = 0; second < 5; second++) {
    clock.advance(1_000);
    await settled();
  }
  assert.equal(watches, 1, 'the watch goes on');
  assert.equal(Buffer.from((await bucket.get(shiftsKey))!.value).toString(), '{"version":2}');
  assert.equal(follower.document, known);
  follower.close();
});

test('a document that comes while the leader is asked is not taken for lost', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const shifts = new Shifts(store, clock);
  const { id } = (await shifts.start(planOf(), config, wish)).shifts[0]!;
  const slow = new Shifts(store, clock);
  let asked = 0;
  slow.read = async () => {
    const answer = await shifts.read();
    if (++asked === 1) follower.adopt(await shifts.operate(id, 'finish', wish));
    return answer;
  };
  const { follower, seen, troubles } = follow(slow, clock, (await shifts.read())!.document);
  await eventually('the second', () => follower.document?.sequence === 2);
  await settled();
  assert.deepEqual([asked, seen, troubles], [1, [2], []]);
  follower.close();
});

test('of two changes of one sequence all nodes follow the one that the store has', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const shifts = new Shifts(store, clock);
  const first = await shifts.start(planOf(), config, wish);
  const { id } = first.shifts[0]!;
  const backup = (await store.bucket('shifts').get(shiftsKey))!.value;
  const lost = await shifts.operate(id, 'abort', wish);
  await store.bucket('shifts').put(shiftsKey, backup);
  const kept = await shifts.operate(id, 'finish', wish);
  const { follower, seen } = follow(shifts, clock, lost);
  await eventually(
    'the one that is kept',
    () => follower.document?.event.change === kept.event.change,
  );
  assert.deepEqual(seen, [2]);
  clock.advance(5_000);
  await settled();
  assert.deepEqual(seen, [2], 'once');
  follower.close();
});

test('a store that has lost all holds nobody up: what is known is given back', async () => {
  const clock = new ManualClock();
  const before = new Shifts(new MemoryStore(clock), clock);
  const known = await before.start(planOf(), config, wish);
  const { id } = known.shifts[0]!;
  const anew = new MemoryStore(clock);
  const { follower, troubles } = follow(new Shifts(anew, clock), clock, known);
  await eventually('a word on it', () => troubles.some((one) => /the store has none/.test(one)));
  assert.equal(follower.document, known, 'it holds');
  const shifts = new Shifts(anew, clock);
  await eventually('it is given back', async () => (await shifts.read())?.document.sequence === 1);
  const next = await shifts.operate(id, 'finish', { ...wish, known: follower.document });
  assert.deepEqual([next.sequence, next.shifts[0]!.state], [2, 'done']);
  await eventually('the next', () => follower.document?.sequence === 2);
  assert.deepEqual(
    (await shifts.events(10)).map(({ action }) => action),
    ['finish', 'start'],
  );
  follower.close();
});

test('an event that was changed or taken away ends the record, and does not lie', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const shifts = new Shifts(store, clock);
  const { shifts: begun } = await shifts.start(planOf(), config, wish);
  await shifts.operate(begun[0]!.id, 'finish', wish);
  await shifts.operate(begun[0]!.id, 'abort', wish);
  const actions = async () => (await shifts.events(10)).map(({ action }) => action);
  assert.deepEqual(await actions(), ['abort', 'finish', 'start']);
  const bucket = store.bucket('shifts');
  const key = 'event.00000001';
  const { value } = (await bucket.get(key))!;
  await bucket.put(key, Buffer.from(Buffer.from(value).toString().replace('"ana"', '"eve"')));
  assert.deepEqual(await actions(), ['abort', 'finish']);
  await bucket.delete(key);
  assert.deepEqual(await actions(), ['abort', 'finish']);
});
