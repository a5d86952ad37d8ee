import { machine } from './apply/busy.ts';
import { balancers, remapRow, remaps } from './micro/balancers.ts';
import { dns } from './micro/dns.ts';
import { http1 } from './micro/http1.ts';
import { http2 } from './micro/http2.ts';
import type { MicroCase } from './micro/micro-case.ts';
import { router } from './micro/router.ts';
import { steering } from './micro/steering.ts';
import { yardstick, yardstickName } from './micro/yardstick.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** All there are. The yardstick comes first. */
const all: readonly MicroCase[] = [
  ...yardstick,
  ...http1,
  ...http2,
  ...router,
  ...balancers,
  ...steering,
  ...dns,
];

const warmUpRounds = 2;
const operations = 20_000;

export interface MicroOptions {
  /** Only those with one of these words in their names; `undefined`: all. */
  readonly words: readonly string[] | undefined;
  /** Default: 9. */
  readonly rounds: number | undefined;
  readonly json: boolean;
}

/** Parts of the hot path alone, all of them in each round; see bench/README.md. */
export function benchMicro({ words, rounds = 9, json }: MicroOptions): void {
  const asked = all.filter(({ name }) => !words || words.some((word) => name.includes(word)));
  if (asked.length === 0) throw new Error(`--only fits none of: ${all.map(nameOf).join('; ')}`);
  const needed = new Set(asked.flatMap((one) => [one.name, besideOf(one)]));
  const times = measure(
    all.filter(({ name }) => needed.has(name)),
    rounds,
  );
  const ranOn = machine();
  if (!json) console.log(`${ranOn}, ${rounds} rounds, medians (quartiles)`);
  for (const one of asked) {
    const beside = besideOf(one);
    const own = times.get(one.name)!;
    const nanoseconds = spreadOf(own);
    const ratio = spreadOf(own.map((ns, round) => ns / times.get(beside)![round]!));
    const result = { case: one.name, peer: beside, ratio, nanoseconds, rounds, machine: ranOn };
    console.log(json ? JSON.stringify(result) : row(one.name, nanoseconds, ratio, beside));
  }
  if (!asked.some((one) => balancers.includes(one))) return;
  for (const one of remaps()) console.log(json ? JSON.stringify(one) : remapRow(one));
}

/** Nanoseconds per operation, by name and round. */
function measure(cases: readonly MicroCase[], rounds: number): Map<string, number[]> {
  const times = new Map(cases.map(({ name }) => [name, [] as number[]]));
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (const one of cases) {
      const startedNs = process.hrtime.bigint();
      for (let count = 0; count < operations; count++) one.run();
      const ns = Number(process.hrtime.bigint() - startedNs) / operations;
      if (round >= 0) times.get(one.name)!.push(ns);
    }
  }
  return times;
}

function row(name: string, { median, q1, q3 }: Spread, ratio: Spread, beside: string): string {
  const time = `${median.toFixed(0)} ns (${q1.toFixed(0)}–${q3.toFixed(0)})`;
  const times = `${ratio.median.toFixed(2)} (${ratio.q1.toFixed(2)}–${ratio.q3.toFixed(2)})`;
  return `${name.padEnd(50)}${time.padStart(24)}   ${times.padEnd(20)} × ${beside}`;
}

function besideOf({ beside = yardstickName }: MicroCase): string {
  return beside;
}

function nameOf({ name }: MicroCase): string {
  return name;
}
