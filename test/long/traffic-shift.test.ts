import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ShiftStatus } from '../../src/admin/shifts-view.ts';
import type { ShiftEvent } from '../../src/shifts/shift.ts';
import { exampleWith } from '../support/example.ts';
import { NameServers } from '../support/name-servers.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { type RegionName, regionNames, TestStack, until } from '../support/stack.ts';

const host = 'api.exchange.test';
const config = await exampleWith(({ zones }) => {
  zones['exchange.test'].ttl = '1s';
});

/** Who acts is lost, and the store: a region is drained nevertheless, and no step is undone. */
describe('a region is drained while others are lost', { skip: requireNatsServer() }, () => {
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

  const at = async (region: RegionName): Promise<ShiftStatus> =>
    (await stack.admin<{ shifts: ShiftStatus[] }>(region, '/shifts')).shifts[0]!;
  const shares = (regions: readonly RegionName[]) =>
    Promise.all(regions.map(async (region) => (await at(region)).share));
  const isUs = (answer: readonly string[]) => answer[0] === 'us-east-1';
  const quick = ['--observe', '0s', '--guard', 'off'];

  test('the node that acted dies: another takes the next step, and name servers follow', async () => {
    const drain = ['shift', 'drain', 'us-east-1', '--steps', '60,30,0', '--every', '3s', ...quick];
    // The store makes its bucket at the first use, and elects who leads it.
    const taken = () =>
      stack.run(...drain).then(
        () => true,
        (error: unknown) => {
          if (/gave no answer in time/.test(String(error))) return false;
          throw error;
        },
      );
    await until('the store takes it', taken, 30_000);
    const events = async () =>
      (await stack.admin<{ events: ShiftEvent[] }>('us-east-1', '/shifts/history')).events;
    const stepped = async () => (await events()).some(({ action }) => action === 'advance');
    await until('the first step', stepped);
    const { by } = (await events()).find(({ action }) => action === 'advance')!;
    // The region that is drained has to live: its own word is what is to be seen last.
    const lost = by === 'us-east-1' ? 'eu-west-1' : (by as RegionName);
    const left = regionNames.filter((region) => region !== lost);
    await stack.run('region', 'kill', lost);
    const done = async () => (await at('us-east-1')).state === 'done';
    await until('all steps', done, 40_000);
    const gone = () => servers.all(host, 'us-east-1', (answer) => !isUs(answer), left);
    await until('no name server sends anyone there', gone);
    const steps = (await events()).filter(({ action }) => action === 'advance');
    assert.deepEqual(steps.map(({ share }) => share).reverse(), [60, 30, 0]);
    await stack.run('region', 'start', lost);
    const back = () =>
      at(lost).then(
        ({ share }) => share === 0,
        () => false,
      );
    await until('it is back at the same share', back, 30_000);
  });

  test('the store is gone mid-way: every node holds the last step, and goes on with its return', async () => {
    await stack.run(
      'shift',
      'restore',
      'us-east-1',
      '--steps',
      '50,100',
      '--every',
      '3s',
      ...quick,
    );
    const reached = async () => (await shares(regionNames)).every((share) => share === 50);
    await until('the first step everywhere', reached, 30_000);
    await stack.run('store', 'kill');
    const brokenMs = performance.now();
    while (performance.now() - brokenMs < 5_000) {
      assert.deepEqual(await shares(regionNames), [50, 50, 50]);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const refused = await stack.attempt('shift', 'abort');
    assert.notEqual(refused.code, 0, 'what nobody can agree on is refused');
    await stack.run('store', 'start');
    const done = async () => (await at('eu-west-1')).state === 'done';
    await until('the last step', done, 40_000);
    await until('clients are back', () => servers.all(host, 'us-east-1', isUs), 15_000);
  });
});
