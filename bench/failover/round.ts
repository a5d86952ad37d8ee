import { setTimeout as sleep } from 'node:timers/promises';
import { askStack, findRunningStack } from '../../src/stack/control/client.ts';
import { fairTimer } from '../../test/support/fair-time.ts';
import { NameServers } from '../../test/support/name-servers.ts';
import { ResolverLoad } from '../../test/support/resolver-load.ts';
import { type RegionName, regionNames, type TestStack, until } from '../../test/support/stack.ts';
import { dropNothing, dropPackets } from './network.ts';
import { Watch } from './watch.ts';

export const host = 'rates.exchange.test';
const path = '/v1/rates?base=EUR';
const requestsPerSecond = 60;
/** A client may keep an answer for that long, and its last request may take that. */
export const ttlMs = 2_000;
const requestLimitMs = 2_000;
/** After this a region that is still named is named for good. */
const longestMs = 15_000;
const recoverLimitMs = 60_000;

export const faults = ['blackHole', 'stop', 'kill'] as const;
export type FaultName = (typeof faults)[number];

/** Milliseconds from the fault. */
export interface Round {
  readonly fault: FaultName;
  readonly region: RegionName;
  /** Of the first survivor whose probe failed, and of the last that decided. */
  readonly failedProbe: number;
  readonly decided: number;
  /** Of the last surviving name server: its first answer without the region. */
  readonly switched: number;
  /** The same without what processes of this machine waited for a processor. */
  readonly unstalled: number;
  /** The last look-up of a client that led to the region began then. */
  readonly lookedUp: number;
  readonly lastFailure: number;
  readonly failedRequests: number;
  readonly requests: number;
}

/** Loses a region under load, and takes it back. */
export async function measureRound(
  stack: TestStack,
  region: RegionName,
  fault: FaultName,
): Promise<Round> {
  const survivors = regionNames.filter((name) => name !== region);
  const servers = regionNames.map((name) => stack.address(name));
  const load = new ResolverLoad({ host, path, perSecond: requestsPerSecond, servers });
  const watch = new Watch(stack, region, survivors, host);
  try {
    await until('the load runs', () => load.visits.length > requestsPerSecond);
    await sleep(1_000 * Math.random()); // anywhere between two probes
    const faultMs = performance.now();
    const passedMs = fairTimer();
    watch.failedProbeMs.clear(); // a busy machine fails some before
    await lose(stack, region, fault);
    const haveSwitched = () =>
      watch.decidedMs.size === survivors.length && watch.switchedMs.size === survivors.length;
    await until('all have switched', haveSwitched, longestMs);
    const unstalled = passedMs();
    await sleep(ttlMs + requestLimitMs + 500);
    await load.stop();
    await watch.stop();
    return outcome({ stack, region, fault, faultMs, unstalled, load, watch });
  } finally {
    await load.stop();
    await watch.stop();
    await recover(stack, region, fault);
  }
}

function outcome(of: {
  stack: TestStack;
  region: RegionName;
  fault: FaultName;
  faultMs: number;
  unstalled: number;
  load: ResolverLoad;
  watch: Watch;
}): Round {
  const { stack, region, fault, faultMs, unstalled, load, watch } = of;
  const address = stack.address(region);
  const after = (times: Iterable<number>) => Math.max(0, ...[...times].map((ms) => ms - faultMs));
  const misled = load.told.filter(({ addresses }) => addresses.includes(address));
  const failed = load.failed.filter(({ endedMs }) => endedMs > faultMs);
  return {
    fault,
    region,
    failedProbe: Math.min(...watch.failedProbeMs.values()) - faultMs,
    decided: after(watch.decidedMs.values()),
    switched: after(watch.switchedMs.values()),
    unstalled,
    lookedUp: after(misled.map(({ atMs }) => atMs)),
    lastFailure: after(failed.map(({ endedMs }) => endedMs)),
    failedRequests: failed.length,
    requests: load.visits.filter(({ endedMs }) => endedMs > faultMs).length,
  };
}

/**
 * A black hole: packets to the region vanish, and its processes stand still, so that nothing comes
 * from it either. By address alone what it sends could not be told: on a loopback it has that of all.
 */
async function lose(stack: TestStack, region: RegionName, fault: FaultName): Promise<void> {
  if (fault === 'blackHole') dropPackets(networkOf(stack, region));
  const action = fault === 'kill' ? 'kill' : 'freeze';
  await askStack(findRunningStack(stack.state), { operation: 'region', action, region });
}

/** Until all name servers answer with all regions again, and every node holds all for well. */
async function recover(stack: TestStack, region: RegionName, fault: FaultName): Promise<void> {
  if (fault === 'blackHole') dropNothing();
  await stack.run('region', 'start', region);
  const servers = new NameServers(stack);
  try {
    const isWell = async () => {
      const statuses = await Promise.all(regionNames.map((name) => stack.status(name)));
      const states = statuses.flatMap(({ regions }) => regions.map(({ gateway }) => gateway.state));
      if (states.some((state) => state !== 'healthy')) return false;
      const named = regionNames.map((near) => servers.all(host, near, ([one]) => one === near));
      return (await Promise.all(named)).every(Boolean);
    };
    await until('all is well', () => isWell().catch(() => false), recoverLimitMs);
  } finally {
    servers.close();
  }
}

/** Its addresses: the third byte is that of the region. */
function networkOf(stack: TestStack, region: RegionName): string {
  return `${stack.address(region).split('.').slice(0, 3).join('.')}.0/24`;
}
