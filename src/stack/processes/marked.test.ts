import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { isAlive } from './identity.ts';
import { endProcesses, findMarked, stackMark, stackOf } from './marked.ts';

test('only processes with exactly this mark are found, and ended even when stopped', async (t) => {
  const directory = `/nowhere/${process.pid}-${process.hrtime.bigint()}`;
  const mark = (value: string) =>
    spawn('sleep', ['1000'], { env: { PATH: process.env.PATH, [stackMark]: value } });
  const mine = [mark(directory), mark(directory)];
  const others = [mark(`${directory}/below`), mark(`${directory}2`), spawn('sleep', ['1000'])];
  t.after(() => {
    for (const other of others) other.kill('SIGKILL');
  });
  const found = findMarked(directory);
  assert.deepEqual(found.map(({ pid }) => pid).sort(), mine.map(({ pid }) => pid).sort());
  assert.equal(stackOf(mine[0]!.pid!), directory);
  assert.equal(stackOf(others[2]!.pid!), undefined);

  mine[0]!.kill('SIGSTOP');
  assert.deepEqual(await endProcesses(found, 5_000), []);
  assert.deepEqual(found.filter(isAlive), []);
  assert.ok(others.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null));
});

test('a pid that now means another process is left alone', async (t) => {
  const child = spawn('sleep', ['1000']);
  t.after(() => child.kill('SIGKILL'));
  assert.deepEqual(await endProcesses([{ pid: child.pid!, startTicks: 1 }], 1_000), []);
  assert.equal(child.kill(0), true);
});
