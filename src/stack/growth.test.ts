import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { askStack, findRunningStack } from './control/client.ts';
import type { ControlRequest } from './control/protocol.ts';
import type { Outcome } from './fleet.ts';
import type { ProcessStatus } from './operations.ts';
import { FakeStack, fakeConfig, makeFolder } from './testdata/fake-stack.ts';

const location = { latitude: 1, longitude: 104 };
const store = { engine: 'jetstream' };
const two = { ...fakeConfig, store };
const three = {
  ...two,
  regions: { ...two.regions, ap: { address: '127.0.3.1', location } },
};

describe('regions and voters that come and go while a stack runs', () => {
  const stack = new FakeStack(makeFolder(), { config: two });
  before(() => stack.event('ready'));
  after(() => stack.clean());

  const ask = <Result = Outcome>(request: ControlRequest) =>
    askStack<Result>(findRunningStack(stack.state), request);
  const configure = (config: object) =>
    writeFileSync(join(stack.folder, 'meridian.yaml'), JSON.stringify(config));
  const region = (action: 'add' | 'remove' | 'kill', name: string) =>
    ask({ operation: 'region', action, region: name });
  const voter = (action: 'start' | 'end', name: string, instance = 1) =>
    ask({ operation: 'voter', action, region: name, instance });
  const ids = async () =>
    (await ask<ProcessStatus[]>({ operation: 'status' })).map(({ id, state }) => {
      assert.equal(state, 'running', id);
      return id;
    });
  const first = [
    ...['eu/node', 'eu/service/rates', 'eu/store/hub', 'eu/store/leaf'],
    ...['us/node', 'us/service/rates', 'us/store/leaf'],
  ];
  const hubOf = (name: string) =>
    readFileSync(join(stack.state, 'regions', name, 'store', 'hub.conf'), 'utf8');

  test('a region that the file has not, and a voter that it does not want, are refused', async () => {
    await assert.rejects(region('add', 'ap'), { code: 'name_unknown', message: /eu, us/ });
    await assert.rejects(voter('start', 'us'), { code: 'name_unknown' });
    await assert.rejects(voter('end', 'eu'), { code: 'region_wanted' });
    await assert.rejects(region('remove', 'us'), { code: 'region_wanted' });
    assert.deepEqual(await ids(), first);
  });

  test('a region is added without its voter; what runs is left alone', async () => {
    const before = await ask<ProcessStatus[]>({ operation: 'status' });
    configure(three);
    await assert.rejects(voter('start', 'ap'), { code: 'name_unknown', message: /region add ap/ });
    assert.deepEqual((await region('add', 'ap')).changed, ['ap/node', 'ap/store/leaf']);
    assert.deepEqual(await ids(), [...first, 'ap/node', 'ap/store/leaf']);
    const running = await ask<ProcessStatus[]>({ operation: 'status' });
    for (const { id, pid } of before) {
      assert.equal(running.find((now) => now.id === id)?.pid, pid, id);
    }
    assert.deepEqual(Object.keys(findRunningStack(stack.state).record.regions), ['eu', 'us', 'ap']);
    assert.deepEqual((await region('add', 'ap')).unchanged.length, 2, 'again: nothing to do');
    assert.match(hubOf('eu'), /cluster \{/, 'for its next start, the voter knows the others');
  });

  test('a voter is started once, and as another with another disk', async () => {
    assert.deepEqual((await voter('start', 'ap')).changed, ['ap/store/hub']);
    assert.deepEqual((await voter('start', 'ap')).unchanged, ['ap/store/hub']);
    assert.match(hubOf('ap'), /server_name: "hub-ap"\n/);
    assert.deepEqual((await voter('start', 'ap', 2)).changed, ['ap/store/hub']);
    assert.match(hubOf('ap'), /server_name: "hub-ap_2"\n/);
    assert.match(hubOf('ap'), /store_dir: ".*\/hub-2"/);
    assert.ok((await ids()).includes('ap/store/hub'));
  });

  test('out of the file: its voter is ended, then the region, and it is forgotten', async () => {
    configure(two);
    assert.deepEqual((await voter('end', 'ap')).changed, ['ap/store/hub']);
    assert.deepEqual((await voter('end', 'ap')).changed, []);
    await region('kill', 'ap');
    assert.deepEqual((await region('remove', 'ap')).changed, ['ap/node', 'ap/store/leaf']);
    assert.deepEqual(await ids(), first);
    assert.deepEqual(Object.keys(findRunningStack(stack.state).record.regions), ['eu', 'us']);
    await assert.rejects(region('remove', 'ap'), { code: 'name_unknown' });
    const instance = join(stack.state, 'regions', 'ap', 'store', 'voter-instance');
    assert.ok(existsSync(instance));
    assert.equal(readFileSync(instance, 'utf8'), '3\n', 'one that comes later is another');
  });
});
