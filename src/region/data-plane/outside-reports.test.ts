import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import type { OutsideStatus } from '../../dns/outside/outside-status.ts';
import { OutsideReports } from './outside-reports.ts';

test('what is known of outside names is passed on when it has changed, and to the end', () => {
  const clock = new ManualClock();
  let names: OutsideStatus[] = [];
  const passed: (readonly OutsideStatus[])[] = [];
  const reports = new OutsideReports(
    () => names,
    (all) => passed.push(all),
    clock,
  );
  const seconds = (count: number) => {
    for (let second = 0; second < count; second++) clock.advance(1_000);
  };
  seconds(3);
  assert.equal(passed.length, 0);
  const one = {
    target: 'a',
    state: 'unknown',
    addresses: 0,
    failures: 0,
    problem: undefined,
  } as const;
  names = [one];
  seconds(3);
  names = [{ ...one, failures: 1 }];
  seconds(3);
  names = [];
  seconds(3);
  assert.deepEqual(passed, [[one], [{ ...one, failures: 1 }], []]);
  names = [one];
  reports.close();
  seconds(3);
  assert.equal(passed.length, 3);
});
