import { setTimeout as delay } from 'node:timers/promises';
import { between, pick } from '../simulation/seeded-random.ts';
import type { RegionClients } from './processes.ts';
import { leaderOf, type Victims } from './victims.ts';

interface Fault {
  /** What is done, and to whom. */
  readonly text: string;
  readonly begin: () => void | Promise<void>;
  readonly end: () => void | Promise<void>;
  /** At least; otherwise what comes out. */
  readonly lastsMs?: number;
}

/** Whom it hits. */
interface Target {
  readonly victims: Victims;
  readonly region: string;
  readonly node: RegionClients;
  /** All but the region. */
  readonly others: readonly string[];
  readonly random: () => number;
}

type MakeFault = (target: Target) => Fault | Promise<Fault>;

const kinds = ['hub', 'leaf'] as const;
/** Another voter is elected, and takes writes, within this time; the old leader may not know yet. */
const leaderGoneMs = 9_000;
const slowMs = 250;
/** Of those who do things beside each other: between two faults. */
const longestPausesMs = [3_000, 9_000];
const clockStepMs = 10 * 60_000;

/** Every way of failing, by name. */
const faults = {
  'voter killed': (target) => server('hub', 'killed', target),
  'leaf killed': (target) => server('leaf', 'killed', target),
  'voter frozen': (target) => server('hub', 'frozen', target),
  'leaf frozen': (target) => server('leaf', 'frozen', target),
  'node killed': ({ node, region }) => ({
    text: `the node of ${region} is killed`,
    begin: () => node.kill(),
    end: () => startNode(node),
  }),
  'node frozen': ({ node, region }) => ({
    text: `the node of ${region} is frozen`,
    begin: () => node.freeze(true),
    end: () => node.freeze(false),
  }),
  'region killed': ({ victims: { cluster }, node, region }) => ({
    text: `${region} is killed`,
    begin: async () => {
      await Promise.all([node.kill(), ...kinds.map((kind) => cluster.kill(kind, region))]);
    },
    end: () => {
      for (const kind of kinds) cluster.start(kind, region);
      startNode(node);
    },
  }),
  'region frozen': ({ victims: { cluster }, node, region }) => ({
    text: `${region} is frozen`,
    begin: () => {
      node.freeze(true);
      for (const kind of kinds) cluster.freeze(kind, region);
    },
    end: () => {
      for (const kind of kinds) cluster.thaw(kind, region);
      node.freeze(false);
    },
  }),
  'region cut off': (target) => cutOff(target),
  'regions cut from each other': (target) => {
    const other = pick(target.random, target.others);
    const text = `${target.region} and ${other} are cut from each other`;
    return { ...cutOff({ ...target, others: [other] }), text };
  },
  'one way cut': ({ victims: { cluster }, region, others, random }) => {
    const other = pick(random, others);
    return {
      text: `nothing comes from ${region} to ${other}`,
      begin: () => cluster.cut(region, other, true),
      end: () => cluster.cut(region, other, false),
    };
  },
  'links slow': ({ victims: { cluster } }) => ({
    text: `links between regions take ${slowMs} ms`,
    begin: () => {
      cluster.delayMs = slowMs;
    },
    end: () => {
      cluster.delayMs = 0;
    },
  }),
  'leader killed': (target) => leading(target, (one) => server('hub', 'killed', one)),
  'leader frozen': (target) => leading(target, (one) => server('hub', 'frozen', one)),
  'leader cut off': (target) =>
    leading(target, (one) => ({ ...cutOff(one), lastsMs: leaderGoneMs })),
  'clock stepped': ({ node, region, random }) => {
    const offsetMs = pick(random, [-clockStepMs, clockStepMs]);
    return {
      text: `the clock of the node of ${region} is ${offsetMs / 60_000} minutes off`,
      begin: () => node.send({ type: 'clock', offsetMs }),
      end: () => node.send({ type: 'clock', offsetMs: 0 }),
    };
  },
  'disk full': ({ victims: { cluster }, region }) => ({
    text: `the disk of ${region} is full`,
    begin: () => cluster.fillDisk(region, true),
    // A server that could not write has put its JetStream out of service until it is started again.
    end: async () => {
      cluster.fillDisk(region, false);
      await cluster.kill('hub', region);
      cluster.start('hub', region);
    },
  }),
  'region without power': (target) => withoutPower(target, [target.region]),
  'all without power': (target) => withoutPower(target, [target.region, ...target.others]),
} as const satisfies Record<string, MakeFault>;

export type FaultName = keyof typeof faults;
export const faultNames = Object.keys(faults) as readonly FaultName[];
const ofDisks: readonly FaultName[] = ['disk full', 'region without power', 'all without power'];

/**
 * Does things from `names` until `untilMs` (of `performance.now()`), two at once at times, each name
 * once before any comes again, and ends them all. The seed gives the same at the same times;
 * what they hit differs.
 */
export async function injectFaults(
  victims: Victims,
  names: readonly FaultName[],
  random: () => number,
  untilMs: number,
  tell: (name: FaultName, what: string) => void,
): Promise<void> {
  const possible = names.filter((name) => victims.disks || !ofDisks.includes(name));
  const next = deck(possible, random);
  const lane = async (longestPauseMs: number) => {
    await delay(between(random, 0, longestPauseMs));
    while (performance.now() < untilMs) {
      const name = next();
      const drawnMs = between(random, 300, 6_000);
      const pauseMs = between(random, 500, longestPauseMs);
      const make: MakeFault = faults[name];
      const fault = await make(targetOf(victims, random));
      const lastsMs = Math.max(fault.lastsMs ?? 0, drawnMs);
      tell(name, `${fault.text} for ${lastsMs.toFixed(0)} ms`);
      await fault.begin();
      await delay(Math.max(0, Math.min(lastsMs, untilMs - performance.now())));
      await fault.end();
      await delay(Math.max(0, Math.min(pauseMs, untilMs - performance.now())));
    }
  };
  await Promise.all(longestPausesMs.map(lane));
}

/** After lanes that overlapped, and after a run that failed midway. */
export function putRight({ cluster, nodes, disks }: Victims): void {
  const regions = nodes.map(({ region }) => region);
  cluster.delayMs = 0;
  for (const node of nodes) {
    node.freeze(false);
    node.start();
    const { region } = node;
    for (const kind of kinds) cluster.thaw(kind, region);
    for (const other of regions) if (other !== region) cluster.cut(region, other, false);
    if (disks) cluster.fillDisk(region, false);
  }
  cluster.startAll();
}

/** All of them in a random order, then again in another. */
function deck<T>(all: readonly T[], random: () => number): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = [...all];
    return left.splice(Math.floor(random() * left.length), 1)[0]!;
  };
}

function targetOf(victims: Victims, random: () => number): Target {
  const { region } = pick(random, victims.nodes);
  return aimedAt(region, victims, random);
}

function aimedAt(region: string, victims: Victims, random: () => number): Target {
  const regions = victims.nodes.map((node) => node.region);
  return {
    victims,
    region,
    node: victims.nodes.find((node) => node.region === region)!,
    others: regions.filter((one) => one !== region),
    random,
  };
}

/** At the region whose voter leads; at any where nobody says so. */
async function leading(target: Target, fault: (target: Target) => Fault): Promise<Fault> {
  const { victims, random } = target;
  const leader = await leaderOf(victims);
  if (leader === undefined) return fault(target);
  const aimed = fault(aimedAt(leader, victims, random));
  return { ...aimed, text: `${aimed.text}, whose voter leads,` };
}

function server(kind: 'hub' | 'leaf', how: 'killed' | 'frozen', target: Target): Fault {
  const { victims, region } = target;
  const { cluster } = victims;
  const text = `the ${kind} of ${region} is ${how}`;
  return how === 'killed'
    ? { text, begin: () => cluster.kill(kind, region), end: () => cluster.start(kind, region) }
    : { text, begin: () => cluster.freeze(kind, region), end: () => cluster.thaw(kind, region) };
}

/** Both ways. Its clients go on with what they reach. */
function cutOff({ victims: { cluster }, region, others }: Target): Fault {
  const cut = (isCut: boolean) => {
    for (const other of others) {
      cluster.cut(region, other, isCut);
      cluster.cut(other, region, isCut);
    }
  };
  return { text: `${region} is cut off`, begin: () => cut(true), end: () => cut(false) };
}

/** Nodes too; of all regions at once, the nodes go on, to be told of all that is acknowledged. */
function withoutPower({ victims: { cluster }, node }: Target, regions: readonly string[]): Fault {
  const isOne = regions.length === 1;
  return {
    text: `${isOne ? regions[0] : 'every region'} has no power`,
    begin: async () => {
      if (isOne) await node.kill();
      await cluster.losePower(regions);
    },
    end: () => {
      for (const region of regions) for (const kind of kinds) cluster.start(kind, region);
      if (isOne) startNode(node);
    },
  };
}

function startNode(node: RegionClients): void {
  node.start();
  node.send({ type: 'start' });
}
