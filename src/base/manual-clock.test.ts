import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from './manual-clock.ts';

test('timers run in order of time, then of setting, at their own time', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  clock.after(20, () => seen.push(`b@${clock.monotonicMs()}`));
  clock.after(10, () => {
    seen.push(`a@${clock.monotonicMs()}`);
    clock.after(10, () => seen.push(`c@${clock.monotonicMs()}`));
  });
  const cancelled = clock.after(15, () => seen.push('never'));
  cancelled.cancel();
  clock.advance(19);
  assert.deepEqual(seen, ['a@10']);
  clock.advance(1);
  assert.deepEqual(seen, ['a@10', 'b@20', 'c@20']);
});

test('a jump of the wall clock leaves monotonic time alone', () => {
  const clock = new ManualClock(1_000);
  clock.advance(5);
  clock.jumpWall(600_000);
  assert.equal(clock.wallMs(), 601_005);
  assert.equal(clock.monotonicMs(), 5);
});
