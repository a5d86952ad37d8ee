import { parseArgs } from 'node:util';
import { type ApplyPart, applyParts, benchApply } from './apply.ts';
import { benchHttp } from './http.ts';

const benches = { http: benchHttp, apply: benchApply } as const;

const usage = `usage: npm run bench -- BENCH [OPTIONS] [--json]

  http   CPU time per request of one gateway thread beside nginx doing the same work
           --rounds N  --seconds N  --connections N
  apply  how fast revisions reach all regions, and what they leave behind; up to 6 minutes
           --quick               up to 1 minute
           --only PART,PART,…    of ${applyParts.join(', ')}`;

/** Options of all benches. */
export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly quick: boolean;
  /** `undefined`: all parts. */
  readonly only: readonly ApplyPart[] | undefined;
  readonly json: boolean;
}

function wholeNumber(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number ≥ 1`);
  return value;
}

function partsOf(text: string): readonly ApplyPart[] {
  const names = text.split(',');
  const unknown = names.find((name) => !applyParts.some((part) => part === name));
  if (unknown !== undefined) throw new Error(`--only takes some of ${applyParts.join(', ')}`);
  return names as ApplyPart[];
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '9' },
      seconds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '64' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const name = positionals[0];
  if (name === undefined || !Object.hasOwn(benches, name)) throw new Error(usage);
  await benches[name as keyof typeof benches]({
    rounds: wholeNumber(values.rounds, 'rounds'),
    seconds: wholeNumber(values.seconds, 'seconds'),
    connections: wholeNumber(values.connections, 'connections'),
    quick: values.quick,
    only: values.only === undefined ? undefined : partsOf(values.only),
    json: values.json,
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
