import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shareOf, shiftedWeights } from './weights.ts';

const anyCase = fc
  .array(fc.nat(255), { minLength: 2, maxLength: 6 })
  .chain((weights) =>
    fc.tuple(
      fc.constant(weights),
      fc.uniqueArray(fc.nat(weights.length - 1), { minLength: 1, maxLength: weights.length - 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ),
  );
const near = (one: number, other: number) => Math.abs(one - other) < 1e-9;

test('a share is set aside, and both sides keep their proportions', () => {
  const given = shiftedWeights([60, 30, 10], new Set([2]), 0.5);
  assert.deepEqual(
    given.map((weight) => Math.round(weight * 1_000)),
    [333, 167, 500],
  );
  assert.deepEqual(shiftedWeights([1, 0], new Set([1]), 0.25), [0.75, 0.25]);
  assert.deepEqual(shiftedWeights([0, 0, 5], new Set([2]), 0), [0.5, 0.5, 0]);
  assert.equal(shareOf([60, 30, 10], new Set([2])), 0.1);
});

test('where one side is empty nothing is shifted', () => {
  assert.deepEqual(shiftedWeights([1, 2], new Set(), 0.5), [1, 2]);
  assert.deepEqual(shiftedWeights([1, 2], new Set([0, 1]), 0.5), [1, 2]);
});

test('property: weights stay within bounds, sum to one, and follow the share', () => {
  fc.assert(
    fc.property(anyCase, fc.double({ min: 0, max: 1, noNaN: true }), ([all, some, share], more) => {
      const targets = new Set(some);
      const weights = shiftedWeights(all, targets, share);
      assert.ok(weights.every((weight) => weight >= 0 && weight <= 1));
      assert.ok(
        near(
          weights.reduce((sum, weight) => sum + weight, 0),
          1,
        ),
      );
      assert.ok(near(shareOf(weights, targets), share));
      const next = shiftedWeights(all, targets, Math.max(share, more));
      for (const [index, weight] of weights.entries()) {
        const rises = next[index]! - weight;
        assert.ok(targets.has(index) ? rises > -1e-9 : rises < 1e-9, 'a weight went the wrong way');
      }
    }),
  );
});
