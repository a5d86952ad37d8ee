import assert from 'node:assert/strict';
import type { StateName } from '../../src/health/table.ts';
import { between } from './seeded-random.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { World } from './world.ts';

/** What a scenario measured, in milliseconds from the fault. */
export type Measurements = readonly number[];

export interface Scenario {
  readonly name: string;
  /** Deployments that it holds for. */
  readonly deployments: readonly (readonly string[])[];
  /** Numbers of nodes in each region that it holds for; default: one. */
  readonly nodesPerRegion?: readonly number[];
  /** Checks by name, of which all are healthy at the start but those named `not…`. */
  readonly checks?: object;
  /** Starts with all regions up and known to be healthy. Throws when an invariant is broken. */
  run(world: World): Measurements;
}

/** The limits of the design: a dead region is left, and a healthy one found, within these. */
export const blackHoleLimitMs = 5_000;
export const killLimitMs = 4_000;
export const recoveryLimitMs = 5_000;

/** Short enough that no observer can probe twice meanwhile: at most one probe fails. */
export const restartMs = 800;

export function restart(world: World, region: SimulatedNode, options = {}): void {
  region.kill();
  world.advance(between(world.random, 50, restartMs));
  if (world.random() < 0.3) region.jumpWall(between(world.random, -600_000, 600_000));
  region.start(options);
}

export function unchangedWhile(world: World, run: () => void): Measurements {
  const from = world.history.length;
  run();
  assert.deepEqual(world.history.slice(from), []);
  return [];
}

/** Waits until all of `regions` hold `about` for `state`; returns after how long each did. */
export function turned(
  world: World,
  regions: readonly SimulatedNode[],
  about: string,
  state: StateName,
  limitMs: number,
): Measurements {
  const fromMs = world.scheduler.nowMs;
  world.advance(limitMs);
  return regions.map(({ name }) => {
    const entries = world.history.filter(
      (entry) => entry.at === name && entry.about === about && entry.atMs >= fromMs,
    );
    assert.deepEqual(
      entries.map(({ value }) => value),
      [state],
      `${about} at ${name} becomes ${state} within ${limitMs} ms, once`,
    );
    return (entries[0]?.atMs ?? 0) - fromMs;
  });
}

/** Every node holds everything for healthy, and refused nothing that it heard. */
export function allHealthy(world: World): void {
  const subjects = world.regions.flatMap((region) => [
    `gateway/${region}`,
    `service/rates/${region}`,
  ]);
  const addresses = world.serving.map(({ region, address }) => `gateway/${region}/${address}`);
  for (const { name: at, health } of world.nodes) {
    for (const about of [...subjects, ...addresses]) {
      assert.equal(world.state(at, about), 'healthy', `${about} at ${at}`);
    }
    assert.equal(health?.states().lastRejection, undefined);
  }
}
