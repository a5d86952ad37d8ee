import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { layoutOf } from '../state/layout.ts';
import { keepVoterInstance } from '../state/voter-instance.ts';
import { FakeStack, fakeConfig, makeFolder } from '../testdata/fake-stack.ts';
import { type KeptHub, keptHub, whyHubIsLost } from './kept-hub.ts';
import { voterFolder } from './voters.ts';

const folder = makeFolder();
after(() => rmSync(folder, { recursive: true, force: true }));

const nothing: KeptHub = { alone: [], clustered: [], holdsBuckets: false };
const three: KeptHub = { alone: [], clustered: ['ap', 'eu', 'us'], holdsBuckets: true };
const five = { ...three, clustered: ['af', 'ap', 'eu', 'sa', 'us'] };
const lost = (kept: KeptHub, ...voters: string[]) =>
  whyHubIsLost(kept, voters, voters) !== undefined;

function place(state: string, region: string, kind: 'alone' | 'clustered', instance = 1): void {
  const layout = layoutOf(state);
  const data = join(voterFolder(layout, region, instance), 'jetstream');
  mkdirSync(join(data, 'MERIDIAN'), { recursive: true });
  if (kind === 'clustered') mkdirSync(join(data, 'SYS', '_js_'), { recursive: true });
  if (instance > 1) keepVoterInstance(layout, region, instance);
}

test('a hub goes on with a majority of its voters, and not with less', () => {
  assert.equal(lost(three, 'eu'), true);
  assert.equal(lost(three, 'x', 'y', 'z'), true);
  assert.equal(lost(three, 'eu', 'x', 'y'), true);
  assert.equal(lost(three, 'eu', 'us', 'x'), false);
  assert.equal(lost(three, ...five.clustered), false, 'it grows');
  assert.equal(lost(five, 'eu', 'us', 'ap'), false);
  assert.equal(lost(five, 'eu'), true);
  assert.equal(lost({ ...three, holdsBuckets: false }, 'eu'), false, 'nothing is there yet');
  assert.equal(lost(nothing, 'eu'), false);
  assert.match(
    whyHubIsLost(three, ['eu'], ['eu'])!,
    /voters are those of ap, eu, us, .* eu alone would run: no majority$/,
  );
});

test('a voter that ran alone goes on as itself, whatever an attempt to found a hub left', () => {
  const alone = { ...nothing, alone: ['us'] };
  assert.equal(lost(alone, 'us'), false);
  assert.equal(lost(alone, 'eu', 'ap', 'us'), false);
  assert.equal(lost(alone, 'eu'), true);
  assert.equal(lost({ ...three, alone: ['us'], clustered: ['ap', 'eu'] }, 'us'), false);
  assert.equal(whyHubIsLost(alone, ['eu', 'ap', 'sa', 'us'], ['eu', 'ap', 'sa']), undefined);
});

test('two sets of voters that are both let go on share one', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const some = fc.subarray(names, { minLength: 1 });
  fc.assert(
    fc.property(some, some, some, (clustered, left, right) => {
      const kept = { alone: [], clustered, holdsBuckets: true };
      fc.pre(!lost(kept, ...left) && !lost(kept, ...right));
      assert.ok(left.some((name) => right.includes(name) && clustered.includes(name)));
    }),
  );
});

test('what lies in a directory: of each region the newest instance counts', () => {
  const state = join(folder, 'kept');
  const layout = layoutOf(state);
  assert.deepEqual(keptHub(layout), nothing);
  place(state, 'us', 'alone');
  assert.deepEqual(keptHub(layout), { ...nothing, alone: ['us'] });
  for (const region of ['us', 'eu', 'ap']) place(state, region, 'clustered', 2);
  assert.deepEqual(keptHub(layout), three);
  keepVoterInstance(layout, 'ap', 3);
  assert.deepEqual(keptHub(layout).clustered, ['eu', 'us'], 'it was taken out');
});

test('up refuses before anything is started or written', async (t) => {
  const store = { engine: 'jetstream' };
  const own = makeFolder();
  const state = join(own, 'state');
  const first = new FakeStack(own, { config: fakeConfig });
  t.after(() => first.clean());
  await first.event('ready');
  first.child.kill('SIGINT');
  await first.exit();
  for (const region of ['eu', 'ap', 'sa']) place(state, region, 'clustered');
  const second = new FakeStack(own, { config: { ...fakeConfig, store } });
  t.after(() => second.clean());
  const { code, message } = await second.event('error');
  assert.equal(code, 'hub_would_be_lost');
  assert.match(String(message), /state holds a store: .*ap, eu, sa.*meridian store remove/);
  assert.equal(await second.exit(), 1);
});
