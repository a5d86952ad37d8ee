import { machine } from './apply/busy.ts';
import { type DataCase, type DataCaseName, dataCases } from './data/cases.ts';
import type { DataAmount } from './data/compare.ts';
import { World } from './data/world.ts';
import { OtherWork } from './http/other-work.ts';
import { describeSides, jsonLine, type Result, tableHead, tableRow } from './http/report.ts';

export interface DataBenchOptions {
  /** `undefined`: all. */
  readonly only: readonly DataCaseName[] | undefined;
  /** Default: 9, quick 3. */
  readonly rounds: number | undefined;
  /** Default: 2, quick 1. */
  readonly seconds: number | undefined;
  readonly quick: boolean;
  readonly json: boolean;
}

/**
 * The data API of a region of three beside plain NATS on the same servers, and beside one Redis;
 * see bench/README.md. A case that fails does not keep the others from being measured; then
 * the exit code is 1.
 */
export async function benchData({
  only,
  rounds,
  seconds,
  quick,
  json,
}: DataBenchOptions): Promise<void> {
  const amount: DataAmount = {
    rounds: rounds ?? (quick ? 3 : 9),
    operations: quick ? 200 : 1_000,
    seconds: seconds ?? (quick ? 1 : 2),
  };
  let near: Promise<World> | undefined;
  const shared = () => {
    near ??= World.start();
    return near;
  };
  const where = machine();
  if (!json) console.log(`Three regions on one machine\n${where}\n\n${tableHead}`);
  const sides: string[] = [];
  for (const one of dataCases) {
    if (only && !only.includes(one.name)) continue;
    const others = new OtherWork();
    const results = await measure(one, amount, shared);
    const seen = { machine: where, peers: {}, otherWork: others.read() };
    for (const result of results) {
      console.log(json ? jsonLine(one, result, seen) : tableRow(one, result, seen));
    }
    sides.push(...describeSides(one.name, results));
  }
  await (await near)?.close();
  if (!json) console.log(['', 'What was on:', ...sides].join('\n'));
}

async function measure(
  one: DataCase,
  amount: DataAmount,
  near: () => Promise<World>,
): Promise<readonly Result[]> {
  try {
    return await one.run(amount, near);
  } catch (error) {
    process.exitCode = 1;
    return [{ peer: 'all', leftOut: error instanceof Error ? error.message : String(error) }];
  }
}
