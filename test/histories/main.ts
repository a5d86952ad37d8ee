// npm run histories: runs of concurrent clients under faults, by hand and for long.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { historyText } from '../linearizability/history-text.ts';
import { type Breakage, breakages } from './broken-bucket.ts';
import { type FaultName, faultNames } from './faults.ts';
import { operationsOf } from './judge.ts';
import { type Run, runHistory } from './run.ts';
import { counted, summary } from './summary.ts';

const usage = `usage: npm run histories -- [--runs N] [--seconds S] [--seed N] [--clients N]
                          [--fault NAME]… [--break NAME] [--keep FOLDER]

  --runs N        how many, with seeds one after the other: 1
  --seconds S     of faults in each: 30
  --seed N        of the first: 1
  --clients N     in each of the three regions, of which one reads only: 3
  --fault NAME    only these: ${faultNames.join(', ')}
  --break NAME    breaks it on purpose: ${breakages.join(', ')}
  --keep FOLDER   where histories of runs that failed are kept: histories-failed`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '3' },
    fault: { type: 'string', multiple: true },
    break: { type: 'string' },
    keep: { type: 'string', default: 'histories-failed' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) return console.log(usage);
  const breakage = oneOf<Breakage>(breakages, values.break);
  const faults = values.fault?.map((name) => oneOf<FaultName>(faultNames, name)!);
  const [runs, seconds, first, clients] = [
    values.runs,
    values.seconds,
    values.seed,
    values.clients,
  ].map(wholeNumber) as [number, number, number, number];
  const done: string[] = [];
  let failed = 0;
  let operations = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const options = { seed, seconds, clients, breakage, faults };
    const run = await runHistory(options).catch((error: Error) => error);
    if (run instanceof Error) {
      console.log(`seed ${seed}: ${run.stack}`);
      failed++;
      continue;
    }
    console.log(summary(run));
    done.push(...run.faults.map(({ name }) => name));
    operations += run.histories.flatMap(({ observations }) => observations).length;
    if (run.findings.length === 0) continue;
    failed++;
    console.log(`  kept in ${keep(run)}`);
  }
  console.log(`${runs - failed} of ${runs} runs without a finding, ${operations} operations`);
  console.log(`faults: ${counted(done)}`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** For `parseHistory` and for eyes. */
function keep({ seed, faults, histories, findings }: Run): string {
  mkdirSync(values.keep, { recursive: true });
  const path = join(values.keep, `seed-${seed}`);
  const observations = histories.flatMap((one) => one.observations);
  const comments = [...findings, ...faults.map(({ text }) => text)].map((line) => `# ${line}`);
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

function oneOf<T extends string>(names: readonly T[], text: string | undefined): T | undefined {
  if (text === undefined || names.includes(text as T)) return text as T | undefined;
  throw new Error(usage);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await main();
