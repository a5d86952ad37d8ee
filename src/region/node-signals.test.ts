import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeSignals } from './node-signals.ts';

test('what was asked during the start is done once the node is there, later it is done at once', () => {
  const signals = new NodeSignals();
  const done: string[] = [];
  // Not `emit`: the test runner has listeners of its own.
  const press = (name: 'SIGHUP' | 'SIGUSR2' | 'SIGTERM') => process.listeners(name).at(-1)!(name);
  for (let times = 0; times < 2; times++) press('SIGHUP');
  press('SIGUSR2');
  signals.obey({
    reload: () => void done.push('reload'),
    reopenLogs: () => void done.push('reopen'),
    drainAndClose: async () => void done.push('drain'),
    close: async () => void done.push('close'),
  });
  assert.deepEqual(done.splice(0), ['reload', 'reopen']);
  for (const name of ['SIGHUP', 'SIGUSR2', 'SIGTERM', 'SIGTERM'] as const) press(name);
  assert.deepEqual(done, ['reload', 'reopen', 'drain', 'close']);
});
