import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';

// Neither this process nor that which it starts ends on SIGTERM.
process.on('SIGTERM', () => {});
const stubborn = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1_000);";

test('this one passes', () => {});

describe('a file that hangs', () => {
  test('waits for what never comes', async () => {
    const child = spawn(process.execPath, ['-e', `${stubborn} console.log('up');`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.once('data', () => console.log(`started ${child.pid}`));
    await new Promise(() => {});
  });
});
