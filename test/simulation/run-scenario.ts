import { checkScenarios } from './check-scenarios.ts';
import { allHealthy, type Scenario } from './expectations.ts';
import { nodeScenarios } from './node-scenarios.ts';
import { scenarios } from './scenarios.ts';
import { pick, seededRandom } from './seeded-random.ts';
import { World } from './world.ts';

export const allScenarios: readonly Scenario[] = [
  ...scenarios,
  ...nodeScenarios,
  ...checkScenarios,
];

export interface Simulated {
  readonly world: World;
  readonly measured: readonly number[];
}

/** Runs a scenario in one of its deployments. Throws when it does not hold. */
export function simulate(scenario: Scenario, seed: number): Simulated {
  const random = seededRandom(seed ^ 0x5eed);
  const regions = pick(random, scenario.deployments);
  const nodesPerRegion = pick(random, scenario.nodesPerRegion ?? [1]);
  const world = new World({ seed, regions, nodesPerRegion, checks: scenario.checks });
  try {
    world.boot();
    allHealthy(world);
    return { world, measured: scenario.run(world) };
  } catch (error) {
    const where = `SEED=${seed}, regions ${regions.join(' ')}, ${nodesPerRegion} nodes each: ${scenario.name}`;
    throw new Error(`${where}\n${world.transcript()}`, { cause: error });
  }
}

/** The first of the seeds for which a scenario does not hold. */
export function firstFailure(name: string, seeds: Iterable<number>): number | undefined {
  const scenario = allScenarios.find((one) => one.name === name);
  if (!scenario) throw new RangeError(`no scenario "${name}"`);
  for (const seed of seeds) {
    try {
      simulate(scenario, seed);
    } catch {
      return seed;
    }
  }
  return undefined;
}
