// Regions of several nodes. A region is well while one of its nodes is.
import assert from 'node:assert/strict';
import { sends } from '../../src/health/rendezvous.ts';
import {
  allHealthy,
  blackHoleLimitMs,
  killLimitMs,
  type Measurements,
  recoveryLimitMs,
  type Scenario,
  turned,
  unchangedWhile,
} from './expectations.ts';
import { between, pick } from './seeded-random.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { World } from './world.ts';

const two = ['a', 'b'];
const three = ['a', 'b', 'c'];
const withWitness = ['a', 'b', 'w'];
const every = [three, three, two, withWitness];

/** How often what clients would be told is looked at. */
const lookMs = 100;

export const nodeScenarios: readonly Scenario[] = [
  {
    name: 'several nodes: calm, and between regions no more frames than four a push',
    deployments: every,
    nodesPerRegion: [2, 3, 5],
    run: calm,
  },
  {
    name: 'of several nodes one is killed',
    deployments: every,
    nodesPerRegion: [2, 3],
    run: (world) =>
      oneLost(world, killLimitMs, {
        lose: (node) => node.kill(),
        find: (node) => node.start(),
      }),
  },
  {
    name: 'of several nodes one is stopped (SIGSTOP)',
    deployments: every,
    nodesPerRegion: [2, 3],
    run: (world) =>
      oneLost(world, blackHoleLimitMs, {
        lose: (node) => node.freeze(),
        find: (node) => node.thaw(),
      }),
  },
  {
    name: 'of several nodes all are killed',
    deployments: [three, two, withWitness],
    nodesPerRegion: [2, 3],
    run: allKilled,
  },
  {
    name: 'a rolling restart: each node drains first; no region changes, no client is told of a dead node',
    deployments: every,
    nodesPerRegion: [2, 3],
    run: rollingRestart,
  },
  {
    name: 'several nodes, and 20 % of all packets between them lost',
    deployments: every,
    nodesPerRegion: [2, 3],
    run: (world) => {
      world.network.setFrameLoss(0.2);
      return unchangedWhile(world, () => world.advance(30_000));
    },
  },
  {
    name: 'of several nodes one is dark or silent: the others outvote it',
    deployments: [three, withWitness],
    nodesPerRegion: [3],
    run: (world) => {
      const node = pick(world.random, world.serving);
      return unchangedWhile(world, () => {
        if (world.random() < 0.5) world.network.setLoss(node.name, 1);
        else node.pause();
        world.advance(20_000);
        world.network.heal();
        node.resume();
        world.advance(10_000);
      });
    },
  },
  {
    name: 'a cut between two of three regions: the third sees both, so nothing changes',
    deployments: [three],
    nodesPerRegion: [2, 3],
    run: (world) => {
      for (const node of world.nodes.filter(({ region }) => region === 'a')) {
        for (const other of world.nodes.filter(({ region }) => region === 'b')) {
          world.network.cut(node.name, other.name);
          world.network.cut(other.name, node.name);
        }
      }
      return unchangedWhile(world, () => world.advance(20_000));
    },
  },
  {
    name: 'senders or receivers lost, both at once: others take their part before anyone is missed',
    deployments: [two, three],
    nodesPerRegion: [4, 5],
    run: exchangeLost,
  },
  {
    name: 'several nodes, anything at once; once all is well, all is known to be well',
    deployments: every,
    nodesPerRegion: [2, 3],
    run: chaos,
  },
];

const addressOf = ({ region, address }: SimulatedNode): string => `gateway/${region}/${address}`;

function calm(world: World): Measurements {
  const seconds = 20;
  world.frames.clear();
  unchangedWhile(world, () => world.advance(seconds * 1_000));
  const pushes = 2 * seconds;
  for (const [pair, frames] of world.frames) {
    const [from = '', to = ''] = pair.split('>');
    if (from === to) continue;
    const count = (region: string) => world.nodes.filter((node) => node.region === region).length;
    const streams = Math.min(2, count(from)) * Math.min(2, count(to));
    const perPush = frames / streams / pushes;
    assert.ok(perPush > 0.9 && perPush <= 1.05, `${pair}: ${frames} frames by ${streams} streams`);
  }
  return [];
}

/** Loses one node: its address goes everywhere in time, and nothing else changes anywhere. */
function oneLost(
  world: World,
  limitMs: number,
  fault: { lose(node: SimulatedNode): void; find(node: SimulatedNode): void },
): Measurements {
  const node = pick(world.random, world.serving);
  const survivors = world.nodes.filter((other) => other !== node);
  world.advance(between(world.random, 0, 1_500));
  const from = world.history.length;
  fault.lose(node);
  const measured = turned(world, survivors, addressOf(node), 'unhealthy', limitMs);
  for (let lookedMs = 0; lookedMs < 10_000; lookedMs += lookMs) {
    world.advance(lookMs);
    for (const { name } of survivors) assert.ok(!world.answer(name, node.region).includes(node));
  }
  const changes = world.history.slice(from).filter(({ at }) => at !== node.name);
  assert.ok(
    changes.every(({ about }) => about === addressOf(node)),
    'nothing else',
  );
  fault.find(node);
  world.advance(recoveryLimitMs);
  allHealthy(world);
  return measured;
}

function allKilled(world: World): Measurements {
  const region = pick(world.random, world.regions);
  const lost = world.nodes.filter((node) => node.region === region);
  const survivors = world.nodes.filter((node) => node.region !== region);
  world.advance(between(world.random, 0, 1_500));
  for (const node of lost) node.kill();
  const measured = turned(world, survivors, `gateway/${region}`, 'unhealthy', killLimitMs);
  world.advance(5_000);
  // One is enough for the region to be back.
  const first = pick(world.random, lost);
  first.start();
  turned(world, survivors, `gateway/${region}`, 'healthy', recoveryLimitMs);
  for (const { name } of survivors) assert.deepEqual(world.answer(name, region), [first]);
  for (const node of lost) if (node !== first) node.start();
  world.advance(recoveryLimitMs);
  allHealthy(world);
  return measured;
}

function rollingRestart(world: World): Measurements {
  const from = world.history.length;
  for (const node of world.serving) {
    node.health?.setDraining(true);
    // Relayed from region to region and from node to node; 120 ms are the longest way.
    world.advance(600);
    const watch = (durationMs: number) => {
      for (let watchedMs = 0; watchedMs < durationMs; watchedMs += lookMs) {
        for (const { name, running } of world.nodes) {
          if (!running) continue;
          const answer = world.answer(name, node.region);
          assert.ok(!answer.includes(node), `${name} answers with ${node.name}, which drains`);
          assert.ok(answer.length > 0);
        }
        world.advance(lookMs);
      }
    };
    watch(between(world.random, 500, 4_000));
    node.kill();
    watch(between(world.random, 50, 8_000));
    node.start();
    world.advance(recoveryLimitMs);
    for (const { name } of world.nodes) assert.ok(world.answer(name, node.region).includes(node));
  }
  for (const { at, about, value } of world.history.slice(from)) {
    const [kind, , one] = about.split('/');
    assert.ok(kind !== 'service' && one !== undefined, `${about} ${value} at ${at}`);
  }
  allHealthy(world);
  return [];
}

function exchangeLost(world: World): Measurements {
  const [from = '', to = ''] = world.random() < 0.5 ? ['a', 'b'] : ['b', 'a'];
  const side = world.random() < 0.5 ? from : to;
  const names = world.nodes.filter(({ region }) => region === side).map(({ node }) => node);
  const lost = world.nodes.filter(
    ({ region, node }) => region === side && sends(node, names, from, to),
  );
  assert.equal(lost.length, 2);
  const hearing = world.nodes.filter((node) => node.region === to && !lost.includes(node));
  for (const node of lost) node.kill();
  for (let watchedMs = 0; watchedMs < 10_000; watchedMs += lookMs) {
    world.advance(lookMs);
    for (const { name, health } of hearing) {
      const heard = health?.states().regions.find((region) => region.name === from);
      assert.ok(heard?.fresh, `${name} has not heard ${from} ${watchedMs} ms after the loss`);
    }
  }
  for (const node of lost) node.start();
  world.advance(recoveryLimitMs);
  allHealthy(world);
  return [];
}

function chaos(world: World): Measurements {
  const faults: ((node: SimulatedNode, other: SimulatedNode) => void)[] = [
    (node) => node.kill(),
    (node) => node.running && node.freeze(),
    (node) => node.running && node.pause(),
    (node) => node.running && node.thaw(),
    (node) => node.running || node.start({ fromNothing: world.random() < 0.3 }),
    (node) => node.health?.setDraining(world.random() < 0.5),
    (node) => world.network.setLoss(node.name, world.random()),
    (node, other) => world.network.cut(node.name, other.name),
    () => world.network.setFrameLoss(world.random()),
    () => world.network.heal(),
  ];
  for (let i = 0; i < 25; i++) {
    pick(world.random, faults)(pick(world.random, world.nodes), pick(world.random, world.nodes));
    world.advance(between(world.random, 0, 2_500));
  }
  world.network.heal();
  for (const node of world.nodes) {
    if (node.running) node.thaw();
    else node.start();
    node.health?.setDraining(false);
  }
  world.advance(20_000);
  allHealthy(world);
  for (const { name } of world.nodes) {
    for (const region of world.regions) {
      const all = world.nodes.filter((node) => node.region === region);
      assert.deepEqual(world.answer(name, region), all, `${region} at ${name}`);
    }
  }
  return unchangedWhile(world, () => world.advance(5_000));
}
