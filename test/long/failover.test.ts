import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { requireNatsServer } from '../support/requirements.ts';

const bench = join(import.meta.dirname, '../../bench/main.ts');
/** No name server may name a dead region for longer, where a processor is to be had. */
const switchLimitMs = 5_000;

interface Line {
  readonly case: string;
  readonly rounds: number;
  readonly failedProbe: { readonly min: number };
  readonly decided: { readonly max: number };
  readonly switched: { readonly max: number };
  readonly unstalled: { readonly max: number };
}

test('the failover bench: a black hole and a SIGKILL, each left within 5 s', {
  skip: requireNatsServer(),
}, async (context) => {
  const options = { timeout: 400_000, killSignal: 'SIGINT' } as const;
  const args = [bench, 'failover', '--rounds', '2', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line): Line => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ rounds }) => rounds),
    [1, 1],
  );
  assert.match(lines.map((line) => line.case).join(), /^(blackHole|stop),kill$/);
  for (const line of lines) {
    const { failedProbe, decided, switched, unstalled } = line;
    const told = `${line.case}: switched after ${switched.max} ms, by fair time ${unstalled.max} ms`;
    context.diagnostic(told);
    // A bench that stood still saw the failed probe when all was over.
    assert.ok(failedProbe.min > 0 && decided.max > 0 && decided.max <= switched.max, told);
    assert.ok(unstalled.max < switchLimitMs, told);
  }
});
