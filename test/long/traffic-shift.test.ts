import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ShiftStatus } from '../../src/admin/shifts-view.ts';
import type { RequestExplanation } from '../../src/gateway/explain/explain.ts';
import type { ShiftEvent } from '../../src/shifts/shift.ts';
import { askStack, findRunningStack } from '../../src/stack/control/client.ts';
import { exampleWith } from '../support/example.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { type RegionName, regionNames, until } from '../support/stack.ts';
import { useStack } from '../support/use-stack.ts';

const host = 'api.exchange.test';
const config = await exampleWith(({ zones }) => {
  zones['exchange.test'].ttl = '1s';
});

/** Who acts is lost, and the store: a region is drained nevertheless, and no step is undone. */
describe('a region is drained while others are lost', { skip: requireNatsServer() }, () => {
  const use = useStack(config);

  /** Of the newest shift; without what a node that starts, or has no store, cannot say. */
  const at = async (region: RegionName): Promise<Partial<ShiftStatus>> =>
    (await use.stack.admin<{ shifts?: ShiftStatus[] }>(region, '/shifts').catch(() => undefined))
      ?.shifts?.[0] ?? {};
  const shares = (regions: readonly RegionName[]) =>
    Promise.all(regions.map(async (region) => (await at(region)).share));
  const isUs = (answer: readonly string[]) => answer[0] === 'us-east-1';
  const quick = ['--observe', '0s', '--guard', 'off'];

  /** The store makes its bucket at the first use, and elects who leads it, as after each loss. */
  const begin = (...words: string[]) =>
    until(
      'the store takes it',
      async () => {
        const { code, stdout } = await use.stack.attempt('shift', ...words, ...quick, '--json');
        if (code === 0) return true;
        const { error } = JSON.parse(stdout) as { error: { code: string } };
        // What was taken without a confirmation is there when it is asked for again.
        if (error.code === 'shift_exists') return true;
        assert.match(
          error.code,
          /^(store_unreachable|no_quorum|shift_outcome_unknown|admin_unreachable)$/,
        );
        return false;
      },
      30_000,
    );

  test('the node that acted dies: another takes the next step, and name servers follow', async () => {
    await begin('drain', 'us-east-1', '--steps', '60,30,0', '--every', '3s');
    const steps = async () => {
      const path = '/shifts/history';
      const { events = [] } = await use.stack
        .admin<{ events?: ShiftEvent[] }>('us-east-1', path)
        .catch(() => ({}) as { events?: ShiftEvent[] });
      return events.filter(({ action }) => action === 'advance').reverse();
    };
    let by = '';
    await until('the first step', async () => {
      by = (await steps())[0]?.by ?? '';
      return by !== '';
    });
    // The region that is drained has to live: its own word is what is to be seen last.
    const lost = by === 'us-east-1' ? 'eu-west-1' : (by as RegionName);
    const left = regionNames.filter((region) => region !== lost);
    await use.stack.run('region', 'kill', lost);
    const done = async () => (await at('us-east-1')).state === 'done';
    await until('all steps', done, 40_000);
    const gone = () => use.servers.all(host, 'us-east-1', (answer) => !isUs(answer), left);
    await until('no name server sends anyone there', gone);
    let taken: number[] = [];
    await until('each step is on record', async () => {
      taken = (await steps()).map(({ share }) => share);
      return taken.length === 3;
    });
    assert.deepEqual(taken, [60, 30, 0]);
    await until('no gateway relays there but as a standby', () => isStandby('us-east-1', left[1]!));
    await use.stack.run('region', 'start', lost);
    const back = async () => (await at(lost)).share === 0;
    await until('it is back at the same share', back, 30_000);
  });

  async function isStandby(region: RegionName, at: RegionName): Promise<boolean> {
    const url = encodeURIComponent(`http://${host}/v1/rates?base=EUR`);
    const { candidates } = await use.stack.admin<Partial<RequestExplanation>>(
      at,
      `/explain/request?url=${url}`,
    );
    const relay = candidates?.find(({ kind, target }) => kind === 'relay' && target === region);
    return relay?.why.endsWith('; gives this client away') === true;
  }

  test('the store is gone mid-way: every node holds the last step, and goes on with its return', async () => {
    // What may pass on a busy machine before the store is gone: the next step is not to be due.
    await begin('restore', 'us-east-1', '--steps', '50,100', '--every', '10s');
    const found = findRunningStack(use.stack.state);
    const reached = async () => (await shares(regionNames)).every((share) => share === 50);
    await until('the first step everywhere', reached, 30_000);
    await askStack(found, { operation: 'store', action: 'kill' });
    const brokenMs = performance.now();
    while (performance.now() - brokenMs < 5_000) {
      for (const share of await shares(regionNames)) assert.ok(share === undefined || share === 50);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await until('each of them still tells', reached);
    const refused = await use.stack.attempt('shift', 'abort');
    assert.notEqual(refused.code, 0, 'what nobody can agree on is refused');
    await use.stack.run('store', 'start');
    const done = async () => (await at('eu-west-1')).state === 'done';
    await until('the last step', done, 60_000);
    await until('clients are back', () => use.servers.all(host, 'us-east-1', isUs));
  });
});
