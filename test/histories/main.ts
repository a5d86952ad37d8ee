// npm run histories: runs of concurrent clients under faults, by hand and for long.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { historyText } from '../linearizability/history-text.ts';
import { type Breakage, breakages } from './broken-bucket.ts';
import { operationsOf } from './judge.ts';
import { type Run, runHistory } from './run.ts';

const usage = `usage: npm run histories -- [--runs N] [--seconds S] [--seed N] [--clients N]
                          [--break NAME] [--keep FOLDER]

  --runs N        how many, with seeds one after the other: 1
  --seconds S     of faults in each: 30
  --seed N        of the first: 1
  --clients N     in each of the three regions: 3
  --break NAME    breaks the bucket on purpose: ${breakages.join(', ')}
  --keep FOLDER   where histories of runs that failed are kept: histories-failed`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '3' },
    break: { type: 'string' },
    keep: { type: 'string', default: 'histories-failed' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) return console.log(usage);
  const breakage = values.break as Breakage | undefined;
  if (breakage !== undefined && !breakages.includes(breakage)) throw new Error(usage);
  const [runs, seconds, first, clients] = [
    values.runs,
    values.seconds,
    values.seed,
    values.clients,
  ].map(wholeNumber) as [number, number, number, number];
  let failed = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const run = await runHistory({ seed, seconds, clients, breakage }).catch(
      (error: Error) => error,
    );
    console.log(run instanceof Error ? `seed ${seed}: ${run.message}` : summary(run));
    if (!(run instanceof Error) && run.findings.length === 0) continue;
    failed++;
    if (!(run instanceof Error)) console.log(`  kept in ${keep(run)}`);
  }
  console.log(`${runs - failed} of ${runs} runs without a finding`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function summary({ seed, faults, histories, findings }: Run): string {
  const observations = histories.flatMap((one) => one.observations);
  const counts = Map.groupBy(observations, ({ answer }) => answer.type);
  const counted = [...counts].map(([type, { length }]) => `${length} ${type}`).join(', ');
  const lines = [`seed ${seed}: ${faults.length} faults, ${counted}`];
  for (const finding of findings.slice(0, 10)) lines.push(`  ${finding}`);
  if (findings.length > 10) lines.push(`  and ${findings.length - 10} more`);
  return lines.join('\n');
}

/** For `parseHistory` and for eyes. */
function keep({ seed, faults, histories, findings }: Run): string {
  mkdirSync(values.keep, { recursive: true });
  const path = join(values.keep, `seed-${seed}`);
  const observations = histories.flatMap((one) => one.observations);
  const comments = [...findings, ...faults].map((line) => `# ${line}`);
  const text = historyText(operationsOf(observations));
  writeFileSync(`${path}.txt`, `${comments.join('\n')}\n${text}\n`);
  writeFileSync(`${path}.json`, JSON.stringify({ faults, findings, histories }));
  return `${path}.txt and .json`;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(usage);
  return value;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await main();
