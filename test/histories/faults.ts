import { setTimeout as delay } from 'node:timers/promises';
import { between, pick } from '../simulation/seeded-random.ts';
import type { NatsCluster } from '../support/nats-cluster.ts';

/** What faults are done to. */
export interface Victims {
  readonly cluster: NatsCluster;
  readonly regions: readonly string[];
  /** SIGSTOP or SIGCONT to the clients of a region. */
  freezeClients(region: string, isFrozen: boolean): void;
  readonly disks: boolean;
}

type Undo = () => void | Promise<void>;
interface Fault {
  readonly name: string;
  readonly begin: Undo;
  readonly end: Undo;
}

const kinds = ['hub', 'leaf'] as const;

/**
 * Does random things until `untilMs` (of `performance.now()`), up to two at once, and puts all
 * right again. The seed gives the same faults at the same times; what they hit differs.
 */
export async function injectFaults(
  victims: Victims,
  random: () => number,
  untilMs: number,
  tell: (what: string) => void,
): Promise<void> {
  const lane = async () => {
    await delay(between(random, 0, 2_000));
    while (performance.now() < untilMs) {
      const fault = pick(random, faultsFor(victims, random));
      const lastsMs = between(random, 300, 6_000);
      const pauseMs = between(random, 500, 4_000);
      tell(`${fault.name} for ${lastsMs.toFixed(0)} ms`);
      await fault.begin();
      await delay(Math.max(0, Math.min(lastsMs, untilMs - performance.now())));
      await fault.end();
      await delay(Math.max(0, Math.min(pauseMs, untilMs - performance.now())));
    }
  };
  await Promise.all([lane(), lane()]);
}

/** After lanes that overlapped, and after a run that failed midway. */
export function putRight({ cluster, regions, freezeClients, disks }: Victims): void {
  for (const region of regions) {
    freezeClients(region, false);
    for (const kind of kinds) cluster.thaw(kind, region);
    for (const other of regions) if (other !== region) cluster.cut(region, other, false);
    if (disks) cluster.fillDisk(region, false);
  }
  cluster.startAll();
}

function faultsFor(victims: Victims, random: () => number): Fault[] {
  const { cluster, regions, freezeClients, disks } = victims;
  const region = pick(random, regions);
  const other = pick(
    random,
    regions.filter((one) => one !== region),
  );
  const kind = pick(random, kinds);
  const start = (one: 'hub' | 'leaf') => cluster.start(one, region);
  const thaw = (one: 'hub' | 'leaf') => cluster.thaw(one, region);
  const cut = (others: readonly string[], isCut: boolean) => {
    for (const one of others) {
      cluster.cut(region, one, isCut);
      cluster.cut(one, region, isCut);
    }
  };
  const all = regions.filter((one) => one !== region);
  const faults: Fault[] = [
    {
      name: `the ${kind} of ${region} is killed`,
      begin: () => cluster.kill(kind, region),
      end: () => start(kind),
    },
    {
      name: `the ${kind} of ${region} is frozen`,
      begin: () => cluster.freeze(kind, region),
      end: () => thaw(kind),
    },
    {
      name: `${region} is killed`,
      begin: async () => {
        await Promise.all(kinds.map((one) => cluster.kill(one, region)));
      },
      end: () => kinds.forEach(start),
    },
    {
      name: `${region} is frozen, with its clients`,
      begin: () => {
        freezeClients(region, true);
        for (const one of kinds) cluster.freeze(one, region);
      },
      end: () => {
        kinds.forEach(thaw);
        freezeClients(region, false);
      },
    },
    {
      name: `the clients of ${region} are frozen`,
      begin: () => freezeClients(region, true),
      end: () => freezeClients(region, false),
    },
    { name: `${region} is cut off`, begin: () => cut(all, true), end: () => cut(all, false) },
    {
      name: `${region} and ${other} are cut from each other`,
      begin: () => cut([other], true),
      end: () => cut([other], false),
    },
    {
      name: `nothing comes from ${region} to ${other}`,
      begin: () => cluster.cut(region, other, true),
      end: () => cluster.cut(region, other, false),
    },
  ];
  if (!disks) return faults;
  const full: Fault = {
    name: `the disk of ${region} is full`,
    begin: () => cluster.fillDisk(region, true),
    // A server that could not write has put its JetStream out of service until it is started again.
    end: async () => {
      cluster.fillDisk(region, false);
      await cluster.kill('hub', region);
      cluster.start('hub', region);
    },
  };
  return [...faults, full];
}
