import assert from 'node:assert/strict';
import {
  allHealthy,
  blackHoleLimitMs,
  killLimitMs,
  type Measurements,
  recoveryLimitMs,
  restart,
  restartMs,
  type Scenario,
  turned,
  unchangedWhile,
} from './expectations.ts';
import { between, pick } from './seeded-random.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { World } from './world.ts';

const two = ['a', 'b'];
const twoAndWitness = ['a', 'b', 'w'];
const three = ['a', 'b', 'c'];
const five = ['a', 'b', 'c', 'd', 'e'];
/** With these a single vantage is outvoted. Of two regions alone, each is the other's judge. */
const withQuorum = [three, three, twoAndWitness, ['a', 'b', 'c', 'd'], five];
const every = [...withQuorum, two];

export const scenarios: readonly Scenario[] = [
  {
    name: 'calm: nothing changes',
    deployments: every,
    run: (world) => unchangedWhile(world, () => world.advance(30_000)),
  },
  {
    name: 'one vantage dark: its probes all fail',
    deployments: withQuorum,
    run: (world) => {
      const dark = pick(world.random, world.nodes);
      return unchangedWhile(world, () => {
        world.network.setLoss(dark.name, 1);
        world.advance(20_000);
        world.network.heal();
        world.advance(10_000);
      });
    },
  },
  {
    name: 'one vantage silent: nothing of it is heard',
    deployments: every,
    run: (world) => {
      const silent = pick(world.random, world.nodes);
      return unchangedWhile(world, () => {
        silent.pause();
        world.advance(20_000);
        silent.resume();
        world.advance(10_000);
      });
    },
  },
  {
    name: 'one vantage with 20 % loss',
    deployments: withQuorum,
    run: (world) => {
      world.network.setLoss(pick(world.random, world.nodes).name, 0.2);
      return unchangedWhile(world, () => world.advance(40_000));
    },
  },
  {
    name: 'an observer paused for up to 5 s, again and again',
    deployments: every,
    run: (world) =>
      unchangedWhile(world, () => {
        for (let i = 0; i < 4; i++) {
          const observer = pick(world.random, world.nodes);
          observer.pause();
          world.advance(between(world.random, 100, 5_000));
          observer.resume();
          world.advance(between(world.random, 0, 6_000));
        }
      }),
  },
  {
    name: 'an observer that stutters: pauses too close together to finish a probe',
    deployments: every,
    run: (world) => {
      const observer = pick(world.random, world.nodes);
      return unchangedWhile(world, () => {
        for (let i = 0; i < 8; i++) {
          observer.pause();
          world.advance(between(world.random, 600, 2_500));
          observer.resume();
          world.advance(between(world.random, 0, 300));
        }
        world.advance(5_000);
      });
    },
  },
  {
    name: 'a wall clock jumps by up to 10 minutes',
    deployments: every,
    run: (world) =>
      unchangedWhile(world, () => {
        for (let i = 0; i < 4; i++) {
          pick(world.random, world.nodes).jumpWall(between(world.random, -600_000, 600_000));
          world.advance(between(world.random, 0, 5_000));
        }
        world.advance(5_000);
      }),
  },
  {
    name: 'restarts, in any order and with any clock: nothing changes',
    deployments: every,
    run: (world) =>
      unchangedWhile(world, () => {
        for (let i = 0; i < 6; i++) {
          const region = pick(world.random, world.nodes);
          restart(world, region);
          world.advance(between(world.random, 2_500, 6_000));
        }
        world.advance(5_000);
      }),
  },
  {
    name: 'a restart with an empty disk: unknown, never unhealthy, and nobody else minds',
    deployments: every,
    run: (world) => {
      const region = pick(world.random, world.nodes);
      const from = world.history.length;
      if (world.random() < 0.5) region.jumpWall(-600_000);
      restart(world, region, { fromNothing: true });
      world.advance(recoveryLimitMs);
      for (const { at, value } of world.history.slice(from)) {
        assert.equal(at, region.name);
        assert.equal(value, 'healthy');
      }
      allHealthy(world);
      return [];
    },
  },
  {
    name: 'all regions start anew, with or without their disks: nothing is ever unhealthy',
    deployments: every,
    run: (world) => {
      const fromNothing = world.random() < 0.5;
      for (const region of world.nodes) region.kill();
      world.advance(between(world.random, 0, 60_000));
      const from = world.history.length;
      for (const region of world.nodes) {
        world.scheduler.after(between(world.random, 0, startSpreadMs), () =>
          region.start({ fromNothing }),
        );
      }
      world.advance(recoveryLimitMs + startSpreadMs);
      const changes = world.history.slice(from).map(({ value }) => value);
      assert.deepEqual(changes, fromNothing ? changes.map(() => 'healthy') : []);
      allHealthy(world);
      return [];
    },
  },
  {
    name: 'black hole of a region',
    deployments: every,
    run: (world) =>
      lostAndFound(world, blackHoleLimitMs, {
        lose: (region) => {
          for (const other of world.nodes) {
            world.network.cut(region.name, other.name);
            world.network.cut(other.name, region.name);
          }
        },
        find: () => world.network.heal(),
      }),
  },
  {
    name: 'a gateway that only its own region reaches: lost for all, itself too',
    deployments: every,
    run: (world) => {
      const region = pick(world.random, world.serving);
      const about = `gateway/${region.name}`;
      world.advance(between(world.random, 0, 1_000));
      const from = world.history.length;
      region.published = false;
      turned(world, world.nodes, about, 'unhealthy', blackHoleLimitMs);
      world.advance(10_000);
      region.published = true;
      turned(world, world.nodes, about, 'healthy', recoveryLimitMs);
      for (const entry of world.history.slice(from)) assert.equal(entry.about, about);
      return [];
    },
  },
  {
    name: 'a region stopped (SIGSTOP)',
    deployments: every,
    run: (world) =>
      lostAndFound(world, blackHoleLimitMs, {
        lose: (region) => region.freeze(),
        find: (region) => region.thaw(),
      }),
  },
  {
    name: 'a region killed (SIGKILL)',
    deployments: every,
    run: (world) =>
      lostAndFound(world, killLimitMs, {
        lose: (region) => region.kill(),
        find: (region) => region.start(),
      }),
  },
  {
    name: 'a cut through the middle: each side serves itself',
    deployments: [two, three, ['a', 'b', 'c', 'd'], five, twoAndWitness],
    run: partition,
  },
  {
    name: 'a service dies in one region: only its state moves, everywhere',
    deployments: every,
    run: (world) => {
      const region = pick(world.random, world.serving);
      const about = `service/rates/${region.name}`;
      world.advance(between(world.random, 0, 1_000));
      const from = world.history.length;
      region.serviceAlive = false;
      const lostMs = turned(world, world.nodes, about, 'unhealthy', killLimitMs);
      world.advance(5_000);
      region.serviceAlive = true;
      turned(world, world.nodes, about, 'healthy', recoveryLimitMs);
      for (const entry of world.history.slice(from)) assert.equal(entry.about, about);
      return lostMs;
    },
  },
  {
    name: 'a region drains and starts anew, while old frames are still under way',
    deployments: every,
    run: (world) => {
      const region = pick(world.random, world.serving);
      world.network.setSpikes(0.5, 2_000);
      region.health?.setDraining(true);
      world.advance(3_000);
      region.kill();
      world.advance(between(world.random, 50, restartMs));
      region.start();
      world.advance(10_000);
      for (const { name } of world.nodes) {
        const seen = world.history.filter(
          ({ at, about }) => at === name && about === `draining/${region.name}`,
        );
        const expected = name === region.name ? ['on'] : ['on', 'off'];
        assert.deepEqual(
          seen.map(({ value }) => value),
          expected,
          `draining at ${name}`,
        );
      }
      allHealthy(world);
      return [];
    },
  },
  {
    name: 'anything at once; once all is well, all is known to be well',
    deployments: every,
    run: chaos,
  },
];

/** Regions of one stack that start together are this far apart. */
const startSpreadMs = 1_500;

/** Loses a region: every survivor must know in time, and hold nothing else for lost. */
function lostAndFound(
  world: World,
  limitMs: number,
  fault: { lose(region: SimulatedNode): void; find(region: SimulatedNode): void },
): Measurements {
  const region = pick(world.random, world.serving);
  const survivors = world.nodes.filter((other) => other !== region);
  const about = `gateway/${region.name}`;
  const service = `service/rates/${region.name}`;
  world.advance(between(world.random, 0, 1_500));
  const from = world.history.length;
  fault.lose(region);
  const switchedMs = turned(world, survivors, about, 'unhealthy', limitMs);
  world.advance(between(world.random, 5_000, 20_000));
  const collateral = world.history
    .slice(from)
    .filter((entry) => entry.at !== region.name && entry.about !== about);
  const vanished = survivors.map(({ name }) => `${name}: ${service} unknown`);
  const told = collateral.map(({ at, about: of, value }) => `${at}: ${of} ${value}`);
  assert.deepEqual(told.sort(), vanished.sort(), 'its service is unknown, and nothing else is');
  if (region.running) assert.equal(world.state(region.name, about), 'healthy', 'serves itself');
  fault.find(region);
  world.advance(recoveryLimitMs);
  allHealthy(world);
  return switchedMs;
}

function partition(world: World): Measurements {
  const side = new Map(world.nodes.map(({ name }) => [name, world.random() < 0.5]));
  side.set(world.nodes[0]?.name ?? '', true);
  side.set(world.nodes[1]?.name ?? '', false);
  const sameSide = (a: string, b: string) => side.get(a) === side.get(b);
  for (const { name: a } of world.nodes) {
    for (const { name: b } of world.nodes) if (!sameSide(a, b)) world.network.cut(a, b);
  }
  const from = world.history.length;
  world.advance(blackHoleLimitMs);
  for (const round of ['soon', 'and for good']) {
    for (const { name: at } of world.nodes) {
      for (const { name } of world.serving) {
        const expected = sameSide(at, name) ? 'healthy' : 'unhealthy';
        assert.equal(world.state(at, `gateway/${name}`), expected, `${name} at ${at}, ${round}`);
      }
    }
    world.advance(15_000);
  }
  for (const { at, about, value } of world.history.slice(from)) {
    const name = about.split('/').at(-1) ?? '';
    if (value === 'unhealthy') assert.ok(!sameSide(at, name), `${at} never gave up ${about}`);
  }
  world.network.heal();
  world.advance(recoveryLimitMs);
  allHealthy(world);
  return [];
}

function chaos(world: World): Measurements {
  const faults: ((region: SimulatedNode, other: SimulatedNode) => void)[] = [
    (region) => region.kill(),
    (region) => region.running && region.freeze(),
    (region) => region.running && region.pause(),
    (region) => region.running && region.thaw(),
    (region) => region.running || region.start({ fromNothing: world.random() < 0.3 }),
    (region) => region.jumpWall(between(world.random, -600_000, 600_000)),
    (region) => {
      region.serviceAlive = !region.serviceAlive;
    },
    (region) => world.network.setLoss(region.name, world.random()),
    (region, other) => world.network.cut(region.name, other.name),
    () => world.network.heal(),
  ];
  for (let i = 0; i < 25; i++) {
    pick(world.random, faults)(pick(world.random, world.nodes), pick(world.random, world.nodes));
    world.advance(between(world.random, 0, 2_500));
  }
  world.network.heal();
  for (const region of world.nodes) {
    region.serviceAlive = true;
    if (region.running) region.thaw();
    else region.start();
  }
  // A node whose clock was set back while its disk was lost is believed again after 30 s.
  world.advance(36_000);
  allHealthy(world);
  return unchangedWhile(world, () => world.advance(5_000));
}
