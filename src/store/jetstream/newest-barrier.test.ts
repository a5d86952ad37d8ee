import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NewestBarrier } from './newest-barrier.ts';

test('a copy has what is before a barrier when it has that or a later one', () => {
  const newest = new NewestBarrier('a');
  newest.confirmed(10, 0, 1);
  newest.confirmed(14, 2, 3);
  assert.deepEqual(
    [9, 10, 14].map((place) => newest.isBehind(10, place)),
    [false, true, true],
  );
  assert.equal(newest.isBehind(14, 10), false);
  assert.equal(newest.isBehind(14, 15), false, 'nobody confirmed that one yet');
});

test('answers in another order take nothing back', () => {
  const newest = new NewestBarrier('a');
  newest.confirmed(14, 1, 2);
  newest.confirmed(10, 0, 3);
  assert.equal(newest.isBehind(14, 14), true);
});

test('a copy from before the bucket was set back has nothing of what is now', () => {
  const newest = new NewestBarrier('a');
  newest.confirmed(1_000, 0, 1);
  newest.confirmed(5, 2, 3);
  assert.equal(newest.isBehind(5, 1_000), false);
  assert.equal(newest.isBehind(5, 5), true);
  newest.confirmed(1_001, 4, 5);
  assert.equal(newest.isBehind(1_001, 1_000), false);
});
