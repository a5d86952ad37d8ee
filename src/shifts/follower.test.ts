import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import { ShiftFollower } from './follower.ts';
import type { ShiftDocument } from './shift.ts';
import { Shifts, shiftsKey } from './shifts.ts';
import { configOf, planOf } from './testdata/deployment.ts';

const config = configOf();

function follow(store: MemoryStore, clock: ManualClock, known?: ShiftDocument) {
  const seen: number[] = [];
  const troubles: string[] = [];
  const follower = new ShiftFollower({
    ...{ shifts: new Shifts(store, clock), clock, known, random: () => 0 },
    onDocument: ({ sequence }) => void seen.push(sequence),
    onTrouble: (message) => void troubles.push(message),
  });
  follower.start();
  return { follower, seen, troubles };
}

test('the newest holds: what is older, late or damaged changes nothing', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const shifts = new Shifts(store, clock);
  const wish = { author: 'ana', message: '', known: undefined };
  const first = await shifts.start(planOf(), config, wish);
  const second = await shifts.operate(first.shifts[0]!.id, 'finish', wish);
  const { follower, seen, troubles } = follow(store, clock);
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
  follower.close();
});

test('a store that has lost all holds nobody up: what is known is given back with the next change', async () => {
  const clock = new ManualClock();
  const before = new Shifts(new MemoryStore(clock), clock);
  const wish = { author: 'ana', message: '', known: undefined };
  const known = await before.start(planOf(), config, wish);
  const { id } = known.shifts[0]!;
  const anew = new MemoryStore(clock);
  const { follower, troubles } = follow(anew, clock, known);
  await eventually('a word on it', () => troubles.some((one) => /the store has none/.test(one)));
  assert.equal(follower.document, known, 'it holds');
  const shifts = new Shifts(anew, clock);
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
  const wish = { author: 'ana', message: '', known: undefined };
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
