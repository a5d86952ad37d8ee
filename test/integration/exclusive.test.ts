import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ExclusiveStatus } from '../../src/admin/node-view.ts';
import { exampleWith } from '../support/example.ts';
import { send } from '../support/http.ts';
import { NameServers } from '../support/name-servers.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { type RegionName, regionNames, TestStack, until } from '../support/stack.ts';

const leaseMs = 2_000;
const marginMs = 200;
const home = 'eu-west-1';
const regions = [home, 'us-east-1', 'ap-southeast-1'];
const stops = { host: 'stops.exchange.test', path: '/v1/rates?base=EUR' };
const holds = { host: 'holds.exchange.test', path: '/v1/convert?from=EUR&to=JPY&amount=1.00' };

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

describe('what is exclusive is active in one region', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  let servers: NameServers;
  before(async () => {
    stack = await TestStack.start(config);
    servers = new NameServers(stack);
  });
  after(async () => {
    servers?.close();
    await stack?.stop();
  });

  const named = (host: string, region: RegionName, asked = regionNames) =>
    servers.all(host, home, (answer) => answer.join() === region, asked).catch(() => false);
  const statusOf = async (region: RegionName, set: string): Promise<ExclusiveStatus> => {
    const { exclusive = [] } = await stack.status(region);
    return exclusive.find(({ name }) => name === set)!;
  };

  /** Who is active, when somebody is. While all start, that may be whoever was well first. */
  async function holderOf(set: string): Promise<RegionName> {
    let active: (boolean | undefined)[] = [];
    await until(`somebody is active for ${set}`, async () => {
      const asked = regionNames.map((region) => statusOf(region, set).catch(() => undefined));
      active = (await Promise.all(asked)).map((status) => status?.active);
      return active.includes(true);
    });
    return regionNames[active.indexOf(true)]!;
  }

  /** Asks every region for it all the time, and keeps what was served by whom. */
  function ask({ host, path }: typeof stops) {
    const served: Served[] = [];
    const wrong: string[] = [];
    let stopped = false;
    const once = async (region: RegionName) => {
      const startMs = performance.now();
      const to = { address: stack.address(region), host, path, timeoutMs: 20_000 };
      const answer = await send(to).catch(() => undefined);
      if (answer?.status === 200) served.push({ region, startMs, endMs: performance.now() });
      else if (answer && JSON.parse(answer.body).code !== 'not_active') wrong.push(answer.body);
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
      async end() {
        stopped = true;
        await Promise.all(loops);
        assert.deepEqual(wrong, []);
      },
    };
  }

  /** Lets something happen after which another region is active: gives that, and how long it took. */
  async function change(from: RegionName, happen: () => Promise<unknown>, woken?: () => unknown) {
    const asked = ask(stops);
    await until(`${from} serves`, () => asked.by === from);
    const { token } = await statusOf(from, 'stops');
    const beganMs = performance.now();
    await happen();
    await until('another serves', () => asked.by !== from);
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
    await until('others name it', () => named(stops.host, to, [to]));
    assert.ok((await statusOf(to, 'stops')).token! > token!, 'the token rises');
    return { to, tookMs: Math.round(firstMs - beganMs) };
  }

  test('it is handed over, and taken over from the dead and from the paused', async (context) => {
    const first = await holderOf('stops');
    const next = regionNames.find((region) => region !== first)!;
    const moved = await change(first, () => stack.run('exclusive', 'move', 'stops', '--to', next));
    assert.equal(moved.to, next);
    await until('all name it', () => named(stops.host, next));
    const killed = await change(next, () => stack.run('node', 'kill', next));
    const alive = regionNames.filter((region) => region !== next);
    await until('both others name it', () => named(stops.host, killed.to, alive));
    await stack.run('node', 'start', next);
    await until('the killed one too', () => named(stops.host, killed.to));
    const pid = await stack.nodePid(killed.to);
    const paused = await change(
      killed.to,
      async () => process.kill(pid, 'SIGSTOP'),
      () => process.kill(pid, 'SIGCONT'),
    );
    await until('the woken one names it', () => named(stops.host, paused.to));
    for (const [how, { to, tookMs }] of Object.entries({ moved, killed, paused })) {
      context.diagnostic(`${how}: ${to} after ${tookMs} ms`);
    }
  });

  test('without a store it ends with its lease, nobody is promoted, and who is to hold holds', async (context) => {
    const holder = await holderOf('holds');
    const { token } = await statusOf(holder, 'holds');
    const asked = ask(stops);
    const kept = ask(holds);
    await until('both serve', () => asked.by !== undefined && kept.by === holder);
    const lostMs = performance.now();
    await stack.run('store', 'kill');
    await until('nobody is active', () => asked.silentForMs > leaseMs + 3 * marginMs);
    const activeMs = asked.served.at(-1)!.endMs - lostMs;
    context.diagnostic(`active for ${activeMs.toFixed(0)} ms without a store`);
    assert.ok(kept.silentForMs < 1_000, 'the holder holds');
    await kept.end();
    assert.ok(kept.served.every(({ region }) => region === holder));
    const nobody = (answer: readonly string[]) => !answer.includes(asked.by!);
    assert.ok(await servers.all(stops.host, home, nobody, [asked.by!]), 'nor named by itself');
    await stack.run('store', 'start');
    await until('one is active again', () => asked.silentForMs < 500, 30_000);
    await asked.end();
    await until('the holder is who it was', async () => {
      const status = await statusOf(holder, 'holds');
      return status.active && status.token === token;
    });
  });
});

const passed = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
