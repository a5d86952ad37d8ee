import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ManualClock } from '../../base/manual-clock.ts';
import { FoundingHold } from './founding-hold.ts';

const owner = { pid: 7, startTicks: 70 };
/** The number was given again to another process. */
const other = { pid: 7, startTicks: 71 };

function held(onLeft: (hold: FoundingHold) => Promise<void>) {
  const clock = new ManualClock();
  const living = new Set([owner]);
  const calls: string[] = [];
  const hold: FoundingHold = new FoundingHold({
    clock,
    isAlive: (who) => living.has(who as typeof owner),
    onLeft: async () => {
      calls.push(`${hold.founding ?? 'none'}`);
      await onLeft(hold);
    },
  });
  const seconds = async (count: number) => {
    for (let second = 0; second < count; second++) {
      clock.advance(1_000);
      await nextTurn();
    }
  };
  return { hold, living, calls, seconds };
}

test('it stays while its process lives and says so', async () => {
  const { hold, calls, seconds } = held(async (one) => one.release());
  hold.take(owner);
  for (let minute = 0; minute < 10; minute++) {
    await seconds(29);
    hold.hear({ ...owner });
  }
  assert.deepEqual([calls, hold.founding], [[], 'closed']);
  await seconds(31);
  assert.deepEqual([calls, hold.isFree], [['closed'], true]);
  await seconds(60);
  assert.deepEqual(calls, ['closed'], 'nothing is left to look at');
});

test('a process that died is noticed within a second; what fails is tried again', async () => {
  let fails = 2;
  const { hold, living, calls, seconds } = held(async (one) => {
    if (fails-- > 0) throw new Error('the disk is full');
    one.release();
  });
  hold.take(owner);
  hold.pass('closed', 'new');
  await seconds(5);
  assert.deepEqual(calls, []);
  living.clear();
  await seconds(3);
  assert.deepEqual([calls, hold.isFree], [['new', 'new', 'new'], true]);
});

test('nobody else speaks for it, and none for what was ended', async () => {
  const { hold } = held(async (one) => one.release());
  assert.throws(() => hold.hear(owner), { code: 'founding_over' });
  hold.take(owner);
  assert.throws(() => hold.checkFree(), { code: 'founding_running', message: /process 7 / });
  assert.throws(() => hold.take(other), { code: 'founding_running' });
  assert.throws(() => hold.hear(other), { code: 'founding_over' });
  assert.throws(() => hold.pass('new', 'made'), { code: 'founding_over' });
  hold.release();
  hold.take(other);
  assert.throws(() => hold.hear(owner), { code: 'founding_over' });
});

test('what is undone takes no further step, and what is made is not undone', () => {
  const { hold } = held(async (one) => one.release());
  hold.take(owner);
  hold.pass('closed', 'new');
  hold.back();
  assert.equal(hold.founding, undefined, 'the voter is open again');
  assert.equal(hold.isFree, false, 'until that is done');
  assert.throws(() => hold.require('new'), { code: 'founding_over' });
  hold.release();
  hold.take(owner);
  hold.pass('closed', 'new');
  hold.pass('new', 'made');
  assert.throws(() => hold.back(), { code: 'founding_over' });
  assert.equal(hold.isMade, true);
});
