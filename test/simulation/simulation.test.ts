import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Scenario } from './expectations.ts';
import { allScenarios, simulate } from './run-scenario.ts';
import { scenarios } from './scenarios.ts';

// Real machines, probers and exchanges over simulated time and network. What happens follows
// from the seed alone: `SEED=17 npm test -- test/simulation` replays what seed 17 did, and
// `SEEDS=2000` tries that many seeds of each scenario.

const onlySeed = process.env.SEED === undefined ? undefined : Number(process.env.SEED);

/** The first seeds, fewer by default where a run costs more. */
function seedsFor(byDefault: number): number[] {
  if (onlySeed !== undefined) return [onlySeed];
  return Array.from({ length: Number(process.env.SEEDS ?? byDefault) }, (_, i) => i + 1);
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

/** Targets for how soon survivors know: median and 99th percentile. */
const targetsMs: Record<string, readonly [median: number, p99: number]> = {
  'black hole of a region': [3_500, 5_000],
  'a region stopped (SIGSTOP)': [3_500, 5_000],
  'a region killed (SIGKILL)': [2_500, 4_000],
  'of several nodes one is killed': [2_500, 4_000],
  'of several nodes one is stopped (SIGSTOP)': [3_500, 5_000],
  'of several nodes all are killed': [2_500, 4_000],
};

for (const scenario of allScenarios) {
  const seeds = seedsFor(scenario.nodesPerRegion ? 4 : 8);
  test(`simulation: ${scenario.name}`, (context) => {
    const measured = seeds.flatMap((seed) => [...simulate(scenario, seed).measured]);
    const targets = targetsMs[scenario.name];
    if (!targets || onlySeed !== undefined) return;
    measured.sort((a, b) => a - b);
    const [median, p99] = [quantile(measured, 0.5), quantile(measured, 0.99)];
    context.diagnostic(
      `known at survivors: median ${median.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
    );
    assert.ok(median <= targets[0], `median ${median} ms`);
    assert.ok(p99 <= targets[1], `p99 ${p99} ms`);
  });
}

test('simulation: one seed gives one history, another seed another', () => {
  const chaos = scenarios.at(-1) as Scenario;
  const first = simulate(chaos, 4_711).world.transcript();
  assert.equal(simulate(chaos, 4_711).world.transcript(), first);
  assert.notEqual(simulate(chaos, 4_712).world.transcript(), first);
});
