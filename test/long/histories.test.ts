import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runHistory } from '../histories/run.ts';
import { requireNatsServer } from '../support/requirements.ts';

/** HISTORY_SECONDS=30 gives the long form; `npm run histories` gives many, by seed. */
const seconds = Number(process.env.HISTORY_SECONDS ?? 12);

for (const [seed, breakage] of [
  [1, undefined],
  [2, undefined],
  [3, 'strong-reads-are-local'],
] as const) {
  const what = breakage ? `finds that ${breakage}` : 'are linearizable, under faults';
  test(`histories of a sync bucket, seed ${seed}: ${what}`, {
    skip: requireNatsServer(),
    timeout: 240_000,
  }, async () => {
    const run = await runHistory({ seed, seconds, clients: 3, breakage });
    const answers = run.histories.flatMap(({ observations }) =>
      observations.map(({ answer }) => answer.type),
    );
    const done = answers.filter((type) => type === 'done').length;
    assert.ok(done > 5 * seconds, `only ${done} writes were acknowledged`);
    assert.ok(run.faults.length >= 3, run.faults.join('\n'));
    const told = [...run.findings, ...run.faults].join('\n');
    if (breakage) assert.match(told, /is not linearizable/);
    else assert.deepEqual(run.findings, [], told);
  });
}
