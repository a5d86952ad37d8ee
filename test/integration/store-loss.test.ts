import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { requireNatsServer } from '../support/requirements.ts';
import { failed, RoundLoad } from '../support/round-load.ts';
import { regionNames, TestStack, until } from '../support/stack.ts';

const withoutStoreMs = 30_000;

describe('the store is gone altogether', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  before(async () => {
    stack = await TestStack.start();
  });
  after(() => stack?.stop());

  const views = () => Promise.all(regionNames.map((region) => stack.status(region)));
  const reachable = async (wanted: boolean) =>
    (await views()).every(({ store }) => store.reachable === wanted);

  test('killed: requests and look-ups go on, status says for how long, its return needs no restart', async () => {
    await until('the store is reachable', () => reachable(true));
    const load = new RoundLoad(stack, {
      host: 'api.exchange.test',
      path: '/v1/rates?base=EUR',
      perSecond: 50,
    });
    const killedMs = performance.now();
    await stack.run('store', 'kill');
    await until('all notice', () => reachable(false));
    await until(
      'time passes',
      () => performance.now() - killedMs > withoutStoreMs,
      withoutStoreMs + 5_000,
    );
    await load.stop();
    assert.ok(load.rounds.length > 1_000);
    assert.deepEqual(load.rounds.filter(failed), []);
    for (const { store, degraded } of await views()) {
      assert.ok(store.outOfReachForSeconds > withoutStoreMs / 1_000 - 6, 'says for how long');
      assert.ok(degraded.some((sentence) => sentence.startsWith('the store')));
    }
    const pids = await stack.nodePids();
    await stack.run('store', 'start');
    await until('the store is reachable again', () => reachable(true), 30_000);
    assert.deepEqual(await stack.nodePids(), pids, 'no node was restarted');
  });

  test('frozen, not dead: found within seconds, and back without a restart', async () => {
    await stack.run('store', 'freeze');
    await until('all notice', () => reachable(false));
    await stack.run('store', 'start');
    await until('the store is reachable again', () => reachable(true), 30_000);
  });
});
