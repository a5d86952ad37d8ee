import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSchedule } from './schedules/run-schedule.ts';
import { generateSchedule } from './schedules/schedule.ts';
import { firstFinding, report } from './schedules/try-schedules.ts';

// By hand: `npm run simulate` tries 10,000, `npm run simulate -- --seed 17` that one again.
const count = 500;

test(`${count} random schedules of faults break no invariant`, (context) => {
  const seeds = Array.from({ length: count }, (_, i) => i + 1);
  const finding = firstFinding(seeds);
  if (finding) assert.fail(report(finding));
  context.diagnostic(`${count} schedules, seeds 1 to ${count}`);
});

test('a schedule is replayed by its seed alone', () => {
  const once = runSchedule(generateSchedule(4));
  assert.equal(runSchedule(generateSchedule(4)).transcript, once.transcript);
  assert.notEqual(runSchedule(generateSchedule(5)).transcript, once.transcript);
});
