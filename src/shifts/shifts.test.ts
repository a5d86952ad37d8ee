import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { storeError } from '../store/errors.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import type { ShiftAction } from './decide.ts';
import { type Operation, type Shift, shareOfShift } from './shift.ts';
import { Shifts } from './shifts.ts';
import { configOf, planOf } from './testdata/deployment.ts';

const wish = { author: 'ana', message: '', known: undefined };

/** A shift that runs at its first step, 25 %, and hands that act on it at the worst moment. */
async function running() {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const shifts = new Shifts(store, clock);
  const plan = planOf({ steps: [25, 50, 75, 100], guard: undefined });
  const { id } = (await shifts.start(plan, configOf(), wish)).shifts[0]!;
  const shift = async (): Promise<Shift> => (await shifts.read())!.document.shifts[0]!;
  const move = async (action: ShiftAction, by = shifts) => {
    const seen = (await shifts.read())!;
    const decision = { action, reason: 'errors rose' };
    return by.move(seen, seen.document.shifts[0]!, decision, {}, undefined, 'eu');
  };
  await move('begin');
  await move('advance');
  const bucket = store.bucket('shifts');
  const update = bucket.update.bind(bucket);
  /** What happens after the next reader has read, and before it writes. */
  const between = (act: () => Promise<unknown>) => {
    bucket.update = async (...write) => {
      bucket.update = update;
      await act();
      return update(...write);
    };
  };
  /** The next write is done, and its confirmation comes when `act` has been done too, as an error. */
  const unconfirmed = (act: () => Promise<unknown>) => {
    bucket.update = async (...write) => {
      bucket.update = update;
      await update(...write);
      await act();
      throw storeError('no_quorum', 'no majority confirmed it in time', { outcome: 'unknown' });
    };
  };
  const operate = (operation: Operation, turn?: number) =>
    shifts.operate(id, operation, wish, turn);
  return { clock, store, shifts, id, shift, move, between, unconfirmed, operate };
}

test('two that say `advance` at once take one step, and the second is told where it is', async () => {
  for (const isSeen of [true, false]) {
    const { between, move, operate, shift } = await running();
    const seen = isSeen ? (await shift()).turn : undefined;
    between(() => move('advance'));
    await assert.rejects(operate('advance', seen), {
      code: 'shift_conflict',
      message: /has changed since .*: it is running now, at step 2 of 4 \(50 %\): errors rose$/,
    });
    assert.equal(shareOfShift(await shift()), 50);
    assert.equal(shareOfShift((await operate('advance')).shifts[0]!), 75);
  }
});

test('what was listed before others changed it is not what is operated', async () => {
  const { move, operate, shift } = await running();
  const { turn } = await shift();
  await move('pause');
  for (const operation of ['advance', 'finish'] as const) {
    await assert.rejects(operate(operation, turn), {
      code: 'shift_conflict',
      message: /it is paused now, at step 1 of 4/,
      details: { id: (await shift()).id, state: 'paused', step: 1, turn: turn + 1 },
    });
  }
  assert.equal((await operate('resume', turn + 1)).shifts[0]!.state, 'running');
});

test('a pause and an abort hold or go back whatever was done at the same time', async () => {
  for (const [operation, state] of [
    ['pause', 'paused'],
    ['abort', 'aborted'],
  ] as const) {
    const { between, move, operate, shift } = await running();
    between(() => move('advance'));
    await operate(operation);
    assert.equal((await shift()).state, state);
    const { turn } = await shift();
    await assert.rejects(operate('abort', turn - 1), { code: 'shift_conflict' }, 'if asked for');
  }
});

test('a write without a confirmation is found though others have gone on from it', async () => {
  const { unconfirmed, move, operate, shift } = await running();
  unconfirmed(() => move('advance'));
  const { shifts: made, event } = await operate('advance');
  assert.deepEqual([shareOfShift(made[0]!), event.action], [50, 'advance']);
  assert.equal(shareOfShift(await shift()), 75, 'one step each');
});

test('a node whose clock is beyond every year writes nothing that nobody could read', async () => {
  const { clock, store, shifts, move } = await running();
  const before = await shifts.read();
  clock.jumpWall(Date.UTC(10_000, 0) - clock.wallMs());
  await assert.rejects(move('advance', new Shifts(store, clock)), {
    code: 'shift_invalid',
    message: /not to be kept/,
  });
  assert.deepEqual(await shifts.read(), before);
});
