import { parseArgs } from 'node:util';
import { benchHttp } from './http.ts';

const benches = { http: benchHttp } as const;

const usage = `usage: npm run bench -- BENCH [--rounds N] [--seconds N] [--connections N] [--json]

  http   CPU time per request of one gateway thread beside nginx doing the same work`;

/** Options that every bench takes. */
export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly json: boolean;
}

function wholeNumber(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number ≥ 1`);
  return value;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '9' },
      seconds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '64' },
      json: { type: 'boolean', default: false },
    },
  });
  const name = positionals[0];
  if (name === undefined || !Object.hasOwn(benches, name)) throw new Error(usage);
  await benches[name as keyof typeof benches]({
    rounds: wholeNumber(values.rounds, 'rounds'),
    seconds: wholeNumber(values.seconds, 'seconds'),
    connections: wholeNumber(values.connections, 'connections'),
    json: values.json,
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
