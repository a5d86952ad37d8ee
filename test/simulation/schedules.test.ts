import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBug } from './planted/plant.ts';
import { plantedBugs } from './planted/planted-bugs.ts';
import { runSchedule } from './schedules/run-schedule.ts';
import { generateSchedule } from './schedules/schedule.ts';
import { firstFinding, report } from './schedules/try-schedules.ts';

// Those from 61 to 500, and one bug after another planted for them to find: `test/long/planted-bugs`. By hand:
// `npm run simulate` tries 10,000, `npm run simulate -- --seed 17` that one again.
const count = 60;

test(`${count} random schedules of faults break no invariant`, (context) => {
  const seeds = Array.from({ length: count }, (_, i) => i + 1);
  const finding = firstFinding(seeds);
  if (finding) assert.fail(report(finding));
  context.diagnostic(`${count} schedules, seeds 1 to ${count}`);
});

test('every bug that is planted by the long tests still has its line', () => {
  for (const bug of plantedBugs)
    assert.notEqual(withBug(bug), withBug({ ...bug, instead: bug.line }));
});

test('a schedule is replayed by its seed alone', () => {
  const once = runSchedule(generateSchedule(4));
  assert.equal(runSchedule(generateSchedule(4)).transcript, once.transcript);
  assert.notEqual(runSchedule(generateSchedule(5)).transcript, once.transcript);
});
