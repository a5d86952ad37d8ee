import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../testdata/fake-stack.ts';
import { commandOf, identify, isAlive } from './identity.ts';

test('a process is alive until it has ended, and only with its own start time', async () => {
  const child = spawn('sleep', ['1000']);
  const identity = identify(child.pid!)!;
  assert.equal(isAlive(identity), true);
  assert.equal(isAlive({ ...identity, startTicks: identity.startTicks - 1 }), false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(isAlive(identity), false);
  assert.equal(identify(child.pid!), undefined);
});

test('a process that has ended and only waits to be reaped is not alive', async (t) => {
  const child = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 1000']);
  t.after(() => child.kill('SIGKILL'));
  const pid = Number((await once(child.stdout, 'data')).toString());
  const isZombie = () => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  await until(isZombie, 'a child that nobody reaps');
  assert.equal(identify(pid), undefined);
});

test('a process whose threads have not all ended is alive: they hold its ports', async () => {
  const script =
    'globalThis.held = Buffer.alloc(2e8, 1); console.log("up"); setInterval(() => 0, 1e9)';
  const child = spawn(process.execPath, ['-e', script]);
  await once(child.stdout, 'data');
  process.kill(child.pid!, 'SIGKILL');
  // Nobody reaps it in this turn of the loop, so that there is something to look at in the end.
  const deadlineMs = performance.now() + 20_000;
  while (identify(child.pid!) && performance.now() < deadlineMs);
  assert.equal(identify(child.pid!), undefined);
  assert.equal(readdirSync(`/proc/${child.pid}/task`).length, 1);
  await once(child, 'exit');
});

test('a name with blanks and parentheses does not shift the fields of /proc/PID/stat', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'a) R 1 (b');
  symlinkSync('/bin/sleep', program);
  const child = spawn(program, ['1000']);
  t.after(() => child.kill('SIGKILL'));
  const plain = spawn('sleep', ['1000']);
  t.after(() => plain.kill('SIGKILL'));
  const [odd, other] = [identify(child.pid!)!, identify(plain.pid!)!];
  const ticksPerSecond = 100;
  assert.ok(Math.abs(odd.startTicks - other.startTicks) < 10 * ticksPerSecond);
  assert.ok(odd.startTicks > 0 && isAlive(odd));
});

test('a command is told on one line, shortened when it is long', () => {
  assert.match(commandOf(process.pid), /node/);
  assert.ok(commandOf(process.pid).length <= 120);
  assert.equal(commandOf(2 ** 22 + 1), 'a process that has just ended');
});
