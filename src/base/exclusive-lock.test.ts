import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { takeExclusiveLock } from './exclusive-lock.ts';

const uniqueName = () => `test-${process.pid}-${process.hrtime.bigint()}`;

test('a lock is held once and can be taken again after its release', async () => {
  const name = uniqueName();
  const first = await takeExclusiveLock(name);
  assert.ok(first);
  assert.equal(await takeExclusiveLock(name), undefined);
  await first.release();
  const second = await takeExclusiveLock(name);
  assert.ok(second);
  await second.release();
});

test('a killed holder leaves the lock free', async () => {
  const name = uniqueName();
  const source = `
    import { takeExclusiveLock } from ${JSON.stringify(new URL('./exclusive-lock.ts', import.meta.url).href)};
    await takeExclusiveLock(${JSON.stringify(name)});
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source]);
  await once(child.stdout, 'data');
  assert.equal(await takeExclusiveLock(name), undefined);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await takeExclusiveLock(name);
  assert.ok(lock);
  await lock.release();
});

test('a name may be longer than the name of a socket, and its end counts', async () => {
  const name = `${uniqueName()}${'/long'.repeat(200)}`;
  const lock = await takeExclusiveLock(name);
  const other = await takeExclusiveLock(`${name}/other`);
  assert.ok(lock && other);
  assert.equal(await takeExclusiveLock(name), undefined);
  await lock.release();
  await other.release();
});
