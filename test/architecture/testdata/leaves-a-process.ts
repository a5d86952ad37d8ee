import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

test('leaves a process behind', async () => {
  const child = spawn(
    process.execPath,
    ['-e', "console.log('up'); setInterval(() => {}, 1_000);"],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await once(child.stdout, 'data');
  child.unref();
  child.stdout.destroy();
  console.log(`started ${child.pid}`);
});
