import assert from 'node:assert/strict';
import type { ExclusiveStatus } from '../../src/admin/node-view.ts';
import { exampleWith } from './example.ts';
import { send } from './http.ts';
import { type RegionName, regionNames, until } from './stack.ts';
import { type StackInUse, useStack } from './use-stack.ts';

/** A busy machine may stand still for seconds: then nobody is to be relieved. */
export const leaseMs = 4_000;
export const marginMs = 200;
/** For a region to become active, also when its store has just come back. */
export const formedMs = 120_000;
export const home = 'eu-west-1';
const regions = [home, 'us-east-1', 'ap-southeast-1'];
/** Of the two sets: one stops without a store, the other holds. */
export const stops = { host: 'stops.exchange.test', path: '/v1/rates?base=EUR' };
export const holds = {
  host: 'holds.exchange.test',
  path: '/v1/convert?from=EUR&to=JPY&amount=1.00',
};

const config = await exampleWith((document) => {
  const lease = { regions, lease: `${leaseMs}ms`, margin: `${marginMs}ms` };
  document.exclusive = { stops: lease, holds: { ...lease, storeLoss: 'hold' } };
  document.routes.push(
    { name: 'stops', hosts: [stops.host], service: 'rates', exclusive: 'stops' },
    { name: 'holds', hosts: [holds.host], service: 'convert', exclusive: 'holds' },
  );
  const zone = document.zones['exchange.test'] as unknown as { records: object[] };
  for (const name of ['stops', 'holds']) zone.records.push({ name, type: 'A', exclusive: name });
});

interface Served {
  readonly region: RegionName;
  readonly startMs: number;
  readonly endMs: number;
}

/** To be called in a `describe`: a stack with two exclusive sets. */
export function useExclusiveStack() {
  return new ExclusiveStack(useStack(config));
}

/** Asks a stack for what is exclusive, and sees who serves it. */
class ExclusiveStack {
  readonly #use: StackInUse;

  constructor(use: StackInUse) {
    this.#use = use;
  }

  get stack() {
    return this.#use.stack;
  }

  get servers() {
    return this.#use.servers;
  }

  named(host: string, region: RegionName, asked = regionNames): Promise<boolean> {
    const isRegion = (answer: readonly string[]) => answer.join() === region;
    return this.servers.all(host, home, isRegion, asked).catch(() => false);
  }

  /** Whether every region takes every other one for healthy. */
  async allWell(): Promise<boolean> {
    const statuses = await Promise.all(regionNames.map((region) => this.stack.status(region)));
    return statuses.every(({ regions: seen }) =>
      seen.every(({ gateway }) => gateway.state === 'healthy'),
    );
  }

  async statusOf(region: RegionName, set: string): Promise<ExclusiveStatus> {
    const { exclusive = [] } = await this.stack.status(region);
    return exclusive.find(({ name }) => name === set)!;
  }

  /** Who is active, when somebody is. While all start, that may be whoever was well first. */
  async holderOf(set: string): Promise<RegionName> {
    let active: (boolean | undefined)[] = [];
    const isOne = async () => {
      const asked = regionNames.map((region) => this.statusOf(region, set).catch(() => undefined));
      active = (await Promise.all(asked)).map((status) => status?.active);
      return active.includes(true);
    };
    await until(`somebody is active for ${set}`, isOne, formedMs);
    return regionNames[active.indexOf(true)]!;
  }

  /** Asks every region for it all the time, and keeps what was served by whom. */
  ask({ host, path }: typeof stops) {
    const served: Served[] = [];
    const wrong: string[] = [];
    /** Times in a row that each said that it is not active, since anybody served. */
    const refusals = new Map<RegionName, number>();
    let stopped = false;
    const once = async (region: RegionName) => {
      const startMs = performance.now();
      const to = { address: this.stack.address(region), host, path, timeoutMs: 20_000 };
      const answer = await send(to).catch(() => undefined);
      if (answer?.status === 200) {
        served.push({ region, startMs, endMs: performance.now() });
        refusals.clear();
      } else if (answer?.body.includes('"code":"not_active"')) {
        refusals.set(region, (refusals.get(region) ?? 0) + 1);
      } else if (answer) wrong.push(answer.body);
    };
    const loops = regionNames.map(async (region) => {
      while (!stopped) {
        await once(region);
        await passed(20);
      }
    });
    return {
      served,
      once,
      /** Who served last. */
      get by() {
        return served.at(-1)?.region;
      },
      get silentForMs() {
        return performance.now() - (served.at(-1)?.endMs ?? 0);
      },
      /** Times that every region refused, since anybody served. */
      get refused() {
        return Math.min(...regionNames.map((region) => refusals.get(region) ?? 0));
      },
      async end() {
        stopped = true;
        await Promise.all(loops);
        assert.deepEqual(wrong, []);
      },
    };
  }

  /** Lets something happen after which another region is active: gives that, and how long it took. */
  async change(from: RegionName, happen: () => Promise<unknown>, woken?: () => unknown) {
    const asked = this.ask(stops);
    await until(`${from} serves`, () => asked.by === from);
    const { token } = await this.statusOf(from, 'stops');
    const beganMs = performance.now();
    await happen();
    await until('another serves', () => asked.by !== from, formedMs);
    const to = asked.by!;
    // What reaches one that stands still waits in its sockets, and is read first when it wakes.
    const late = woken ? Array.from({ length: 5 }, () => asked.once(from)) : [];
    await passed(200);
    woken?.();
    await Promise.all(late);
    await asked.end();
    const of = (region: RegionName) => asked.served.filter((one) => one.region === region);
    assert.equal(of(from).length + of(to).length, asked.served.length, 'no third one');
    const firstMs = Math.min(...of(to).map(({ endMs }) => endMs));
    const lastMs = Math.max(...of(from).map(({ startMs }) => startMs));
    assert.ok(lastMs <= firstMs, `${from} still served when ${to} did`);
    await until('others name it', () => this.named(stops.host, to, [to]));
    assert.ok((await this.statusOf(to, 'stops')).token! > token!, 'the token rises');
    return { to, tookMs: Math.round(firstMs - beganMs) };
  }
}

export const passed = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
