import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Breakage } from '../histories/broken-bucket.ts';
import type { FaultName } from '../histories/faults.ts';
import { runHistory } from '../histories/run.ts';
import { requireNatsServer } from '../support/requirements.ts';

/** HISTORY_SECONDS=30 gives the long form; `npm run histories` gives many, by seed. */
const seconds = Number(process.env.HISTORY_SECONDS ?? 12);

interface Case {
  readonly seed: number;
  /** Default: all. */
  readonly faults?: readonly FaultName[];
  readonly breakage?: Breakage;
}

const cases: readonly Case[] = [
  { seed: 1 },
  { seed: 2, faults: ['leader cut off', 'all without power', 'node killed'] },
  { seed: 3, faults: ['region cut off', 'leaf frozen'], breakage: 'strong-reads-are-local' },
];

for (const { seed, faults, breakage } of cases) {
  const what = breakage ? `finds that ${breakage}` : 'are linearizable, under faults';
  test(`histories of a sync bucket, seed ${seed}: ${what}`, {
    skip: requireNatsServer(),
    timeout: 400_000,
  }, async () => {
    const run = await runHistory({ seed, seconds, clients: 3, breakage, faults });
    const answers = run.histories.flatMap(({ observations }) =>
      observations.map(({ answer }) => answer.type),
    );
    const done = answers.filter((type) => type === 'done').length;
    assert.ok(done > seconds, `only ${done} writes were acknowledged`);
    const told = [...run.findings, ...run.faults.map(({ text }) => text)].join('\n');
    assert.ok(run.faults.length >= 2, told);
    if (breakage) assert.match(told, /is not linearizable/);
    else assert.deepEqual(run.findings, [], told);
  });
}
