import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeStaleness } from './staleness.ts';

const serve = { maximum: 60_000, beyond: 'serve' } as const;
const withdraw = { maximum: 60_000, beyond: 'withdraw' } as const;

test('a node that follows its own file is never stale', () => {
  assert.equal(judgeStaleness(withdraw, undefined, 1e9).stale, false);
});

test('beyond the maximum it serves and says so, or withdraws', () => {
  assert.equal(judgeStaleness(serve, 60_000, 1e9).stale, false);
  const warned = judgeStaleness(serve, 60_001, 1e9);
  assert.deepEqual([warned.stale, warned.withdraw], [true, false]);
  assert.match(warned.reason ?? '', /nothing was heard of it for 1m/);
  const gone = judgeStaleness(withdraw, 60_001, 1e9);
  assert.deepEqual([gone.stale, gone.withdraw], [true, true]);
});

test('one that has not heard of the store since its start counts from there', () => {
  const never = Number.POSITIVE_INFINITY;
  assert.equal(judgeStaleness(withdraw, never, 59_000).stale, false);
  assert.equal(judgeStaleness(withdraw, never, 61_000).withdraw, true);
});
