import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { NodeStatus } from '../../src/admin/node-view.ts';
import { AdminApi } from '../support/admin-api.ts';
import { exampleWith } from '../support/example.ts';
import { NameServers } from '../support/name-servers.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { ResolverLoad } from '../support/resolver-load.ts';
import { regionNames, TestStack, until } from '../support/stack.ts';

/** OUTAGE_SECONDS=3600 gives the long form. */
const outageMs = Number(process.env.OUTAGE_SECONDS ?? 20) * 1_000;
const host = 'api.exchange.test';
const recoveryLimitMs = 10_000;
const ttlMs = 2_000;
const config = await exampleWith(({ zones }) => {
  zones['exchange.test'].ttl = `${ttlMs / 1_000}s`;
});

describe('the store is gone for long', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  before(async () => {
    stack = await TestStack.start(config);
  });
  after(() => stack?.stop());

  const views = () => Promise.all(regionNames.map((region) => stack.status(region)));

  test('nodes are restarted and a region is lost meanwhile; its return needs no restart', async (context) => {
    const api = await AdminApi.of(stack, 'us-east-1');
    await api.untilServing(1);
    const servers = regionNames.map((region) => stack.address(region));
    await using load = new ResolverLoad({
      host,
      path: '/v1/rates?base=EUR',
      perSecond: 50,
      servers,
    });
    const killedMs = performance.now();
    await stack.run('store', 'kill');
    await stack.run('restart');
    await until('time passes', () => performance.now() - killedMs > outageMs, outageMs + 5_000);
    await load.stop();
    context.diagnostic(`${load.visits.length} requests without a store`);
    assert.ok(load.visits.length > (outageMs / 1_000) * 20);
    assert.deepEqual(load.failedThough(ttlMs), []);
    for (const { ready, revision } of await views()) {
      assert.ok(ready);
      assert.equal(revision.source, 'snapshot');
    }
    // The node that was started last may still have its first seconds, in which none complains.
    const missed = ({ degraded }: NodeStatus) =>
      degraded.some((sentence) => sentence.startsWith('the store'));
    await until('each says what it lacks', async () => (await views()).every(missed));
    await loseRegion();
    const pids = await stack.nodePids();
    const startedMs = performance.now();
    await stack.run('store', 'start');
    await api.applyRoute('returned', recoveryLimitMs);
    context.diagnostic(`changed ${(performance.now() - startedMs).toFixed(0)} ms after its return`);
    const all = async () => (await views()).every(({ revision }) => revision.sequence === 2);
    await until('all follow', all, recoveryLimitMs);
    assert.deepEqual(await stack.nodePids(), pids, 'no node was restarted');
  });

  async function loseRegion(): Promise<void> {
    const lost = 'eu-west-1';
    const others = regionNames.filter((region) => region !== lost);
    const asked = new NameServers(stack);
    const away = (regions: readonly string[]) => regions.length > 0 && !regions.includes(lost);
    const home = (regions: readonly string[]) => regions.join() === lost;
    try {
      await stack.run('node', 'kill', lost);
      await until('others take over', () => asked.all(host, lost, away, others), 5_000);
      await stack.run('node', 'start', lost);
      await until('it returns', () => asked.all(host, lost, home, others));
    } finally {
      asked.close();
    }
  }
});
