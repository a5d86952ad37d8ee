import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { exampleWith } from '../support/example.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { nodeAddresses, ResolverLoad } from '../support/resolver-load.ts';
import { type RegionName, regionNames, TestStack, until } from '../support/stack.ts';

const host = 'rates.exchange.test';
const path = '/v1/rates?base=EUR';
const nodes = ['a', 'b'];
/** More than of three nodes: all six are on this machine. */
const switchLimitMs = 8_000;
/** A short TTL, as a drain lasts two seconds longer than that. */
const ttlMs = 2_000;
const config = await exampleWith(({ zones }) => {
  zones['exchange.test'].ttl = `${ttlMs / 1_000}s`;
});
/** So long, and in so many look-ups, nobody is sent to the dead before they count as left out. */
const quietMs = 4_000;
const quietLookups = 100;

describe('two nodes in each of three regions', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  let regionOf: Map<string, RegionName>;
  before(async () => {
    stack = await TestStack.start(config, { nodes: nodes.length });
    regionOf = nodeAddresses(stack, nodes);
    await untilAllAnswered();
  });
  after(() => stack?.stop());

  const startLoad = () =>
    new ResolverLoad({ host, path, perSecond: 100, servers: [...regionOf.keys()] });
  /** Each look-up names both nodes of the region of its client. */
  async function untilAllAnswered(): Promise<void> {
    const load = startLoad();
    const complete = () => {
      const last = load.told.slice(-2 * regionOf.size);
      const whole = last.filter(({ addresses }) => addresses.length === nodes.length);
      return last.length === 2 * regionOf.size && whole.length === last.length;
    };
    await until('look-ups name all nodes', complete).finally(() => load.stop());
  }

  test('one after the other restarted under load: nobody notices', async (context) => {
    const processesBefore = await pids();
    await using load = startLoad();
    await until('load runs', () => load.visits.length > 100);
    const startedMs = performance.now();
    const { code, stdout, stderr } = await stack.attempt('restart');
    const tookMs = performance.now() - startedMs;
    await until('load goes on', () => load.visits.at(-1)!.startedMs > startedMs + tookMs + 500);
    await load.stop();
    context.diagnostic(
      `${load.visits.length} requests and ${load.told.length} look-ups in ${(tookMs / 1_000).toFixed(1)} s`,
    );
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(load.failedThough(ttlMs), []);
    assert.deepEqual(load.misledThough(regionOf), []);
    assert.deepEqual(load.servedElsewhereThough(), []);
    const left = (await pids()).filter((pid) => processesBefore.includes(pid));
    assert.deepEqual(left, [], 'every node is a new process');
    await untilAllAnswered();
  });

  test('a node of each of two regions is killed: the regions stay, their other addresses are answered', async (context) => {
    const victims = new Map<RegionName, string>([
      ['us-east-1', 'a'],
      ['eu-west-1', 'b'],
    ]);
    const dead = [...victims].map(([region, node]) => stack.address(region, node));
    const isDead = (address = '') => dead.includes(address);
    const servers = [...regionOf.keys()].filter((address) => !isDead(address));
    await using load = new ResolverLoad({ host, path, perSecond: 100, servers });
    await until('load runs', () => load.visits.length > 100);
    const killedMs = performance.now();
    const tookMs = (atMs: number) => atMs - killedMs - load.stalls.between(killedMs, atMs);
    const lastNaming = () => load.told.findLastIndex(({ addresses }) => addresses.some(isDead));
    const each = (action: string) =>
      Promise.all([...victims].map(([region, node]) => stack.run('node', action, region, node)));
    await each('kill');
    const unwell: { readonly name: string; readonly state: string; readonly atMs: number }[] = [];
    await until('the dead are named no more', async () => {
      for (const view of [
        await stack.status('eu-west-1'),
        await stack.status('ap-southeast-1', 'b'),
      ]) {
        for (const { name, gateway } of view.regions) {
          const { state } = gateway;
          if (!victims.has(name as RegionName) || state === 'healthy') continue;
          unwell.push({ name, state, atMs: performance.now() });
        }
      }
      const last = lastNaming();
      const isQuiet = load.told.length - last > quietLookups;
      return isQuiet && performance.now() - Math.max(load.told[last]!.atMs, killedMs) > quietMs;
    });
    await load.stop();
    const switchedMs = tookMs(load.told[lastNaming()]!.atMs);
    const lastFailureMs = Math.max(0, ...load.failed.map(({ endedMs }) => tookMs(endedMs)));
    context.diagnostic(
      `left out after ${switchedMs.toFixed(0)} ms, ${load.failed.length} requests failed, the last after ${lastFailureMs.toFixed(0)} ms`,
    );
    assert.deepEqual(load.whileCalm(unwell), []);
    assert.ok(switchedMs < switchLimitMs, `left out after ${switchedMs} ms`);
    assert.deepEqual(load.misledThough(regionOf), []);
    assert.ok(
      load.failed.every(({ address }) => isDead(address)),
      'only what went to a dead node failed',
    );
    assert.ok(lastFailureMs < switchLimitMs + ttlMs, 'nor for longer than the TTL after that');
    await each('start');
    await untilAllAnswered();
  });

  async function pids(): Promise<number[]> {
    const all = regionNames.flatMap((region) => nodes.map((node) => stack.nodePid(region, node)));
    return Promise.all(all);
  }
});
