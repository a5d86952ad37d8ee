import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { NodeStatus } from '../../src/admin/node-view.ts';
import { type AdminAnswer, AdminApi, routeOf } from '../support/admin-api.ts';
import { exampleWith } from '../support/example.ts';
import { StallLog } from '../support/fair-time.ts';
import { type Answer, send } from '../support/http.ts';
import { NameServers } from '../support/name-servers.ts';
import { requireCommand, requireNatsServer } from '../support/requirements.ts';
import { ResolverLoad } from '../support/resolver-load.ts';
import { failed, RoundLoad } from '../support/round-load.ts';
import { type RegionName, regionNames, TestStack, until } from '../support/stack.ts';

const rates = { host: 'rates.exchange.test', path: '/v1/rates?base=EUR' };
const [first, second, third] = regionNames as [RegionName, RegionName, RegionName];
/** Errors of a write that the store did not take. */
const storeCodes = ['store_unreachable', 'no_quorum', 'outcome_unknown'];
/** OUTAGE_SECONDS=3600 gives the long form. */
const outageMs = Number(process.env.OUTAGE_SECONDS ?? 10) * 1_000;
const ttlMs = 2_000;
/** A short TTL, as a drain lasts two seconds longer than that. */
const config = await exampleWith(({ zones }) => {
  zones['exchange.test'].ttl = `${ttlMs / 1_000}s`;
});
const saysItIsGone = ({ store, degraded }: NodeStatus) =>
  !store.reachable &&
  degraded.some((sentence) => /^the store .* out of reach for \d+ s/.test(sentence));
const writeLimitMs = 3_000;
const recoveryLimitMs = 10_000;
/** A leaf that asked for what the hub has too early asks again after 30 s. */
const followedMs = 90_000;

describe('regions serve whatever becomes of the store', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  let servers: NameServers;
  let apis: Record<RegionName, AdminApi>;
  before(async () => {
    stack = await TestStack.start(config);
    servers = new NameServers(stack);
    const entries = regionNames.map(async (region) => [region, await AdminApi.of(stack, region)]);
    apis = Object.fromEntries(await Promise.all(entries));
    await Promise.all(regionNames.map((region) => apis[region].untilServing(1)));
  });
  after(async () => {
    servers?.close();
    await stack?.stop();
  });

  const views = () => Promise.all(regionNames.map((region) => stack.status(region)));
  const ask = (region: RegionName, name = 'rates'): Promise<Answer> => {
    const path = name === 'rates' ? rates.path : '/health';
    return send({ address: stack.address(region), host: `${name}.exchange.test`, path });
  };
  const serves = async (region: RegionName) =>
    (await ask(region).catch(() => undefined))?.status === 200;

  const answers = (region: RegionName) =>
    stack.status(region).then(
      ({ ready }) => ready,
      () => false,
    );

  const apply = async (name: string, region = first): Promise<number> => {
    const startedMs = performance.now();
    await apis[region].applyRoute(name, recoveryLimitMs);
    return performance.now() - startedMs;
  };

  async function untilServed(name: string, regions: readonly RegionName[] = regionNames) {
    const all = async () => {
      const asked = await Promise.all(regions.map((region) => ask(region, name).catch(() => null)));
      return asked.every((answer) => answer?.status === 200);
    };
    await until(`${name} is served in ${regions.join(', ')}`, all, recoveryLimitMs);
  }

  async function untilWell() {
    let troubles: readonly string[] = [];
    const isWell = async () => {
      troubles = (await views()).flatMap(({ degraded }) => degraded);
      return troubles.length === 0;
    };
    await until('all is well', isWell).catch((error: Error) => {
      throw new Error(`${error.message}: ${troubles.join('; ')}`);
    });
  }

  async function refusedApply(context: TestContext, region: RegionName): Promise<AdminAnswer> {
    const stalls = new StallLog();
    const startedMs = performance.now();
    const answer = await apis[region].tryApply(({ routes }) => routes.push(routeOf('never')));
    const endedMs = performance.now();
    const tookMs = endedMs - startedMs - stalls.between(startedMs, endedMs);
    stalls.close();
    context.diagnostic(`refused after ${tookMs.toFixed(0)} ms: ${answer.code}: ${answer.detail}`);
    assert.equal(answer.status, 503, answer.text);
    assert.ok(storeCodes.includes(answer.code!), answer.text);
    assert.match(answer.detail!, /store|hub|server|leader|majority|no answer in time/);
    assert.ok(tookMs < writeLimitMs, `${tookMs} ms`);
    return answer;
  }

  test('all of it is killed: nothing fails, status says so, writes are refused in time', async (context) => {
    await using load = new RoundLoad(stack, { ...rates, perSecond: 50 });
    await until('load runs', () => load.rounds.length > 20);
    await stack.run('store', 'kill');
    await Promise.all(regionNames.map((region) => refusedApply(context, region)));
    await until('all say it', async () => (await views()).every(saysItIsGone));
    for (const { ready, revision } of await views()) {
      assert.equal(ready, true);
      assert.ok(revision.staleForSeconds! > 2, 'for how long it has not known');
    }
    await load.stop();
    assert.ok(load.rounds.length > 40);
    assert.deepEqual(load.rounds.filter(failed), []);
  });

  test('all nodes crash without it: each serves alone from its snapshot, in any order', async (context) => {
    for (const region of regionNames) await stack.run('node', 'kill', region);
    for (const region of [third, first, second]) {
      const startedMs = performance.now();
      await stack.run('node', 'start', region);
      await until(`${region} serves`, () => serves(region));
      await until('its admin API answers', () => answers(region));
      context.diagnostic(`${region} served ${(performance.now() - startedMs).toFixed(0)} ms later`);
      const { revision, degraded } = await stack.status(region);
      assert.deepEqual([revision.source, revision.sequence], ['snapshot', 1]);
      assert.ok(degraded.some((sentence) => sentence.startsWith('serving from the snapshot')));
    }
  });

  test('restarted one after the other without it, however long it is gone: nobody notices', async (context) => {
    const addresses = regionNames.map((region) => stack.address(region));
    await using load = new ResolverLoad({ ...rates, perSecond: 50, servers: addresses });
    const startedMs = performance.now();
    await stack.run('restart');
    await until('time passes', () => performance.now() - startedMs > outageMs, outageMs + 5_000);
    await load.stop();
    context.diagnostic(`${load.visits.length} requests without a store`);
    assert.ok(load.visits.length > (outageMs / 1_000) * 20);
    assert.deepEqual(load.failedThough(ttlMs), []);
    for (const { ready, revision } of await views()) {
      assert.ok(ready);
      assert.deepEqual([revision.source, revision.sequence], ['snapshot', 1]);
    }
    // The node that was started last may still have its first seconds, in which none complains.
    await until('each says what it lacks', async () => (await views()).every(saysItIsGone));
  });

  test('a region is lost meanwhile: the others take its clients', async (context) => {
    const near = (regions: readonly string[]) => regions.join() === second;
    await until('all is healthy', () => servers.all(rates.host, second, near));
    const lostMs = performance.now();
    await stack.run('node', 'kill', second);
    const away = (regions: readonly string[]) => regions.length > 0 && !regions.includes(second);
    await until('they switch', () => servers.all(rates.host, second, away, [first, third]), 5_000);
    context.diagnostic(`switched after ${(performance.now() - lostMs).toFixed(0)} ms`);
    await stack.run('node', 'start', second);
    await until('it is back', () => answers(second));
    await until('it returns', () => servers.all(rates.host, second, near));
  });

  test('it returns: changes work within 10 s, and nobody was restarted', async (context) => {
    const pids = await stack.nodePids();
    await stack.run('store', 'start');
    const tookMs = await apply('returned');
    context.diagnostic(`applied ${tookMs.toFixed(0)} ms after the start of the servers`);
    await untilServed('returned');
    assert.deepEqual(await stack.nodePids(), pids);
    await untilWell();
  });

  test('frozen, not dead: the same', async (context) => {
    await stack.run('store', 'freeze');
    await refusedApply(context, second);
    assert.ok((await Promise.all(regionNames.map(serves))).every(Boolean));
    await stack.run('store', 'start');
    const tookMs = await apply('thawed', second);
    context.diagnostic(`applied ${tookMs.toFixed(0)} ms after the thaw`);
    await untilServed('thawed');
  });

  test('one region without its server: it serves on, says so, and catches up', async (context) => {
    process.kill(await leafPid(third), 'SIGKILL');
    await until('it notices', async () => !(await stack.status(third)).store.reachable);
    await apply('missed');
    await untilServed('missed', [first, second]);
    assert.equal((await ask(third, 'missed')).status, 404);
    assert.equal(await serves(third), true);
    await refusedApply(context, third);
    const startedMs = performance.now();
    await stack.run('store', 'start', third);
    await untilServed('missed', [third]);
    context.diagnostic(`caught up after ${(performance.now() - startedMs).toFixed(0)} ms`);
  });

  test('a disk that takes nothing: said loudly, and the snapshot of before stays good', {
    skip: requireCommand('prlimit'),
  }, async () => {
    const path = join(stack.state, 'regions', second, 'snapshot');
    await until('it has what serves', async () => (await readFile(path)).includes('missed'));
    const { hash } = (await stack.status(second)).revision;
    const kept = await readFile(path);
    await limitFileSize(await stack.nodePid(second), kept.length >> 1);
    await apply('unkept');
    await untilServed('unkept');
    const trouble = /^the snapshot could not be written: EFBIG/;
    await until('it says so', async () =>
      (await stack.status(second)).degraded.some((sentence) => trouble.test(sentence)),
    );
    assert.deepEqual(await readFile(path), kept);
    // What was frozen before may still be on its way back.
    await until('the other one has no trouble', async () => {
      return (await stack.status(first)).degraded.length === 0;
    });
    const logPath = join(stack.state, 'regions', second, 'node.log');
    const logged = (await readFile(logPath)).length;
    await stack.run('node', 'kill', second);
    await stack.run('node', 'start', second);
    await until('it is back', () => answers(second));
    await untilServed('unkept', [second]);
    const lines = (await readFile(logPath)).subarray(logged).toString().split('\n');
    const served = JSON.parse(lines.find((line) => line.includes('"message":"serving"'))!);
    assert.deepEqual([served.source, served.revision], ['snapshot', hash]);
    await until('it is kept now', async () => (await readFile(path, 'utf8')).includes('unkept'));
    await untilWell();
  });

  test('nodes first, on empty disks, and the store later', async (context) => {
    const before = await apis[first].get<{ running: { sequence: number } }>('/config');
    assert.ok(before.running.sequence > 1);
    await stack.run('store', 'kill');
    for (const region of regionNames) await stack.run('node', 'kill', region);
    for (const region of regionNames) {
      const folder = join(stack.state, 'regions', region);
      const old = ['snapshot', 'snapshot.previous', 'last-health.json', 'store/hub', 'store/leaf'];
      await Promise.all(
        old.map((name) => rm(join(folder, name), { recursive: true, force: true })),
      );
    }
    for (const region of [second, third, first]) await stack.run('node', 'start', region);
    await until('all are ready', async () =>
      (await Promise.all(regionNames.map(answers))).every(Boolean),
    );
    assert.ok((await Promise.all(regionNames.map(serves))).every(Boolean));
    for (const { revision } of await views()) assert.equal(revision.source, 'file');
    const startedMs = performance.now();
    for (const region of [third, second, first]) await stack.run('store', 'start', region);
    await Promise.all(regionNames.map((region) => apis[region].untilServing(1, followedMs)));
    context.diagnostic(`seeded ${(performance.now() - startedMs).toFixed(0)} ms later`);
    const history = () =>
      apis[third].get<{ revisions: object[] }>('/config/history').catch(() => undefined);
    let revisions: readonly object[] = [];
    await until('its history', async () => {
      revisions = (await history())?.revisions ?? [];
      return revisions.length > 0;
    });
    assert.equal(revisions.length, 1, 'one of the nodes made the file a revision, once');
    await apply('anew', third);
    await untilServed('anew');
  });

  async function leafPid(region: RegionName): Promise<number> {
    const wanted = join(stack.state, 'regions', region, 'store', 'leaf.conf');
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (words.includes(wanted)) return Number(pid);
    }
    throw new Error(`no leaf of ${region} runs`);
  }
});

/**
 * Lets a running process write no byte beyond `bytes` of any file: EFBIG, where a full disk
 * says ENOSPC. Needs no right to mount, as a small file system would.
 */
async function limitFileSize(pid: number, bytes: number): Promise<void> {
  await promisify(execFile)('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]);
}
