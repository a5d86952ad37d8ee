import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editDistance, nearestName } from './nearest-name.ts';

test('the nearest name within reach is meant', () => {
  const regions = ['us-east-1', 'eu-west-1', 'ap-southeast-1'];
  assert.equal(nearestName('us-esat-1', regions), 'us-east-1');
  assert.equal(nearestName('EU-WEST-1', regions), 'eu-west-1');
  assert.equal(nearestName('eu-west-2', regions), 'eu-west-1');
  assert.equal(nearestName('ap', regions), 'ap-southeast-1');
  assert.equal(nearestName('mars', regions), undefined);
  assert.equal(nearestName('', regions), undefined);
  assert.equal(nearestName('x', ['y']), 'y');
  assert.equal(nearestName('us', ['us-east-1', 'us-east-2']), undefined);
});

test('edit distance: known pairs', () => {
  assert.equal(editDistance('', ''), 0);
  assert.equal(editDistance('abc', ''), 3);
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(editDistance('ab', 'ba'), 1);
  assert.equal(editDistance('service', 'sevrice'), 1);
});

test('edit distance: symmetric, zero only for equals, one more for one letter more', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, fc.string({ minLength: 1, maxLength: 1 }), (a, b, letter) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length));
      assert.ok(distance >= Math.abs(a.length - b.length));
      assert.ok(Math.abs(editDistance(a + letter, b) - distance) <= 1);
    }),
  );
});
