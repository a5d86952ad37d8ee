import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { endsWithParent } from './npm-watch.ts';
import { identify, isAlive } from './processes/identity.ts';
import { signal } from './processes/marked.ts';
import { until } from './testdata/fake-stack.ts';

const watch = fileURLToPath(new URL('./npm-watch.ts', import.meta.url));

test('only what npm started in the ordinary way ends with its parent', () => {
  const origin = { environment: { npm_command: 'exec' }, parent: 100, leadsSession: false };
  assert.equal(endsWithParent(origin), true);
  assert.equal(endsWithParent({ ...origin, environment: { npm_lifecycle_event: 'start' } }), true);
  assert.equal(endsWithParent({ ...origin, environment: { PATH: '/bin' } }), false);
  assert.equal(endsWithParent({ ...origin, parent: 1 }), false);
  assert.equal(endsWithParent({ ...origin, leadsSession: true }), false);
});

for (const { name, prefix, ends } of [
  { name: 'the end of npm is noticed by its child', prefix: '', ends: true },
  { name: 'a child of npm with a session of its own outlives it', prefix: 'setsid ', ends: false },
]) {
  test(name, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'meridian-test-'));
    const program = `
      const { watchNpm } = await import(${JSON.stringify(watch)});
      watchNpm(() => process.exit(0));
      console.log(process.pid);
      setInterval(() => undefined, 1000);`;
    const parent = spawn(
      'sh',
      ['-c', `${prefix}"$NODE" --input-type=module -e "$PROGRAM" & wait`],
      {
        cwd: folder,
        env: { ...process.env, npm_command: 'exec', NODE: process.execPath, PROGRAM: program },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [pid] = (await once(parent.stdout!, 'data')).map(Number);
    const child = identify(pid!)!;
    t.after(() => {
      signal(child.pid, 'SIGKILL');
      rmSync(folder, { recursive: true });
    });
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    const endedBy = performance.now() + 1_500;
    if (ends) await until(() => !isAlive(child), 'the child to end', 30_000);
    else await until(() => performance.now() > endedBy || !isAlive(child), 'three polls');
    assert.equal(isAlive(child), !ends);
  });
}

test('an npm that is killed is noticed though the shell below it lives on', async (t) => {
  const program = `
    const { watchNpm } = await import(${JSON.stringify(watch)});
    watchNpm(() => process.exit(0));
    console.log(process.ppid, process.pid);
    setInterval(() => undefined, 1000);`;
  const npm = spawn(
    process.execPath,
    [
      '-e',
      `process.title = 'npm exec meridian';
       require('node:child_process').spawn('sh', ['-c', '"$NODE" --input-type=module -e "$PROGRAM"; :'], { stdio: 'inherit' });`,
    ],
    {
      env: { ...process.env, npm_command: 'exec', NODE: process.execPath, PROGRAM: program },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [shell, pid] = String((await once(npm.stdout!, 'data'))[0])
    .split(' ')
    .map(Number);
  const child = identify(pid!)!;
  t.after(() => signal(shell!, 'SIGKILL') && signal(child.pid, 'SIGKILL'));
  npm.kill('SIGKILL');
  await until(() => !isAlive(child), 'the child to end', 30_000);
});
