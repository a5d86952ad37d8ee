import assert from 'node:assert/strict';
import {
  allHealthy,
  blackHoleLimitMs,
  type Measurements,
  recoveryLimitMs,
  restart,
  type Scenario,
  turned,
  unchangedWhile,
} from './expectations.ts';
import { between, pick } from './seeded-random.ts';
import { outsideAddress, type World } from './world.ts';

const two = ['a', 'b'];
const three = ['a', 'b', 'c'];
/** All vantages have a vote on what is checked by name: of three, one alone is outvoted. */
const withQuorum = [three, ['a', 'b', 'w'], ['a', 'b', 'c', 'd'], ['a', 'b', 'c', 'd', 'e']];
const every = [two, ...withQuorum];

const web = { type: 'http', host: outsideAddress, port: 9_100 };
const checks = {
  not: { type: 'inverted', of: 'any' },
  any: { type: 'calculated', of: ['web', 'of-two'], atLeast: 1 },
  web,
  'of-two': { ...web, path: '/two', vantages: ['a', 'b'] },
};

export const checkScenarios: readonly Scenario[] = [
  {
    name: 'a checked target is lost and found: all follow, and what is computed with it',
    deployments: every,
    nodesPerRegion: [1, 2],
    checks,
    run: lostAndFound,
  },
  {
    name: 'a checked target out of reach of one vantage',
    deployments: withQuorum,
    checks,
    run: (world) => {
      known(world, 'healthy');
      const dark = pick(world.random, world.nodes);
      return unchangedWhile(world, () => {
        world.network.cut(dark.name, world.outside.name);
        world.advance(20_000);
        world.network.heal();
        world.advance(10_000);
      });
    },
  },
  {
    name: 'restarts while a checked target is down: nobody takes it for up',
    deployments: every,
    checks,
    run: (world) => {
      world.outside.serviceAlive = false;
      world.advance(10_000);
      known(world, 'unhealthy');
      const from = world.history.length;
      for (let i = 0; i < 4; i++) {
        const node = pick(world.random, world.nodes);
        node.save();
        restart(world, node);
        world.advance(between(world.random, 0, 8_000));
      }
      const changed = world.history.slice(from).filter(({ about }) => about.startsWith('check/'));
      assert.deepEqual(changed, []);
      known(world, 'unhealthy');
      return [];
    },
  },
  {
    name: 'anything at once to what is checked; once it is well, all know',
    deployments: every,
    checks,
    run: (world) => {
      for (let i = 0; i < 20; i++) {
        const node = pick(world.random, world.nodes);
        pick(world.random, [
          () => world.network.cut(node.name, world.outside.name),
          () => world.network.setLoss(node.name, world.random() / 2),
          () => world.network.heal(),
          () => {
            world.outside.serviceAlive = !world.outside.serviceAlive;
          },
          () => node.pause(),
          () => node.resume(),
        ])();
        world.advance(between(world.random, 0, 3_000));
      }
      world.network.heal();
      for (const node of world.nodes) node.resume();
      world.outside.serviceAlive = true;
      world.advance(10_000);
      known(world, 'healthy');
      allHealthy(world);
      return unchangedWhile(world, () => world.advance(5_000));
    },
  },
];

function lostAndFound(world: World): Measurements {
  known(world, 'healthy');
  world.advance(between(world.random, 0, 1_500));
  world.outside.serviceAlive = false;
  const measured = turned(world, world.nodes, 'check/web', 'unhealthy', blackHoleLimitMs);
  known(world, 'unhealthy');
  world.outside.serviceAlive = true;
  turned(world, world.nodes, 'check/not', 'unhealthy', recoveryLimitMs);
  known(world, 'healthy');
  allHealthy(world);
  return measured;
}

/** Every node holds the target for that, and what is computed for what follows. */
function known(world: World, state: 'healthy' | 'unhealthy'): void {
  const opposite = state === 'healthy' ? 'unhealthy' : 'healthy';
  for (const { name: at } of world.nodes) {
    for (const name of ['web', 'of-two', 'any']) {
      assert.equal(world.state(at, `check/${name}`), state, `${name} at ${at}`);
    }
    assert.equal(world.state(at, 'check/not'), opposite, `not at ${at}`);
  }
}
