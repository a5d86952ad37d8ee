import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Deadline, DeadlineWheel } from './deadline-wheel.ts';

/** A wheel with its time, and what has fallen due when. */
function world() {
  const wheel = new DeadlineWheel(50);
  let nowMs = 0;
  wheel.advanceTo(nowMs);
  return {
    wheel,
    get nowMs() {
      return nowMs;
    },
    deadline(onDue: () => void): Deadline {
      return new Deadline(wheel, { onDeadline: onDue });
    },
    /** In steps of one tick, as the interval timer does. */
    pass(ms: number): void {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs += 50;
        wheel.advanceTo(nowMs);
      }
    },
  };
}

test('falls due once, not before its time and at most two ticks after', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200_000 }), (delayMs) => {
      const w = world();
      let dueMs: number | undefined;
      w.deadline(() => {
        assert.equal(dueMs, undefined);
        dueMs = w.nowMs;
      }).set(delayMs);
      w.pass(delayMs + 500);
      assert.ok(dueMs !== undefined && dueMs >= delayMs && dueMs <= delayMs + 100, `${dueMs}`);
    }),
    { numRuns: 30 },
  );
});

test('the last setting counts, earlier or later; cleared means never', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          waitMs: fc.integer({ min: 0, max: 30 }).map((ticks) => ticks * 50),
          setMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined }),
        }),
        { minLength: 1, maxLength: 20 },
      ),
      (steps) => {
        const w = world();
        let expectedMs: number | undefined;
        let count = 0;
        const deadline = w.deadline(() => {
          count++;
          assert.ok(expectedMs !== undefined, 'due though cleared');
          assert.ok(w.nowMs >= expectedMs && w.nowMs <= expectedMs + 100);
          expectedMs = undefined;
        });
        for (const { waitMs, setMs } of steps) {
          if (setMs === undefined) deadline.clear();
          else deadline.set(setMs);
          expectedMs = setMs === undefined ? undefined : w.nowMs + setMs;
          w.pass(waitMs);
        }
        w.pass(4_000);
        assert.equal(expectedMs, undefined, `still waiting after ${count}`);
      },
    ),
  );
});

test('time stands still while the process does', () => {
  const w = world();
  let due = false;
  w.deadline(() => {
    due = true;
  }).set(1_000);
  w.wheel.advanceTo(60_000);
  assert.equal(due, false);
});

test('closing one that falls due in the same slot is safe', () => {
  const w = world();
  let count = 0;
  const all: Deadline[] = [];
  const closeAll = (): void => {
    count++;
    for (const deadline of all) deadline.close();
  };
  for (let n = 0; n < 3; n++) {
    const deadline = w.deadline(closeAll);
    all.push(deadline);
    deadline.set(100);
  }
  w.pass(1_000);
  assert.equal(count, 1);
});
