import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { KeyTurns } from './key-turns.ts';

test('one key after the other, others at once, and nothing stays behind', async () => {
  const turns = new KeyTurns();
  const log: string[] = [];
  const steps = new Map<string, () => void>();
  const operation = (name: string) => async () => {
    log.push(name);
    await new Promise<void>((resolve) => steps.set(name, resolve));
    if (name === 'a2') throw new Error('no');
    return name;
  };
  const all = [
    turns.take('a', operation('a1')),
    turns.take('a', operation('a2')),
    turns.take('a', operation('a3')),
    turns.take('b', operation('b1')),
  ];
  const ended = Promise.allSettled(all);
  assert.deepEqual(log, ['a1', 'b1']);
  for (const name of ['a1', 'a2', 'b1', 'a3']) {
    steps.get(name)!();
    await turn();
  }
  assert.deepEqual(log, ['a1', 'b1', 'a2', 'a3']);
  const outcomes = (await ended).map(({ status }) => status);
  assert.deepEqual(outcomes, ['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  assert.equal(turns.size, 0);
});
