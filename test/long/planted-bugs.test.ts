import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bugged, plant } from '../simulation/planted/plant.ts';
import { plantedBugs } from '../simulation/planted/planted-bugs.ts';
import { firstFailure } from '../simulation/run-scenario.ts';
import { firstFinding, report } from '../simulation/schedules/try-schedules.ts';

type Schedules = typeof import('../simulation/schedules/try-schedules.ts');
type Scenarios = typeof import('../simulation/run-scenario.ts');

/** Of each scenario; `simulation.test.ts` tries fewer. */
const seedsOfScenario = 13;
const schedules = 500;
/** `schedules.test.ts` tries those before. */
const firstHere = 61;

plant(plantedBugs);

test(`without a bug random schedules ${firstHere} to ${schedules} of faults break no invariant`, () => {
  const finding = firstFinding(firstSeeds(schedules, firstHere));
  if (finding) assert.fail(report(finding));
});

for (const [n, { rule, file, found }] of plantedBugs.entries()) {
  test(`a bug is found: ${rule} (${file})`, async (context) => {
    context.diagnostic(await (typeof found === 'number' ? findFrom(n, found) : find(n, found)));
  });
}

async function findFrom(n: number, first: number): Promise<string> {
  const { firstFinding }: Schedules = await import(bugged('schedules/try-schedules.ts', n));
  const finding = firstFinding([first, ...firstSeeds(schedules)]);
  assert.ok(finding, `${schedules} schedules did not find it`);
  return `schedule ${finding.seed}: ${finding.violation.message}`;
}

async function find(n: number, scenario: string): Promise<string> {
  const broken: Scenarios = await import(bugged('run-scenario.ts', n));
  const seed = broken.firstFailure(scenario, firstSeeds(seedsOfScenario));
  assert.ok(seed !== undefined, `"${scenario}" does not find it`);
  assert.equal(firstFailure(scenario, [seed]), undefined, 'it holds without the bug');
  return `${scenario}, seed ${seed}`;
}

function* firstSeeds(last: number, first = 1): Generator<number> {
  for (let seed = first; seed <= last; seed++) yield seed;
}
