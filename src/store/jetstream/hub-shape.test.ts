import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HubShape } from '../store.ts';
import { adoptedShape } from './hub-shape.ts';

const shape = (replicas: HubShape['replicas'], name = 'a'): HubShape => ({
  replicas,
  voters: Array.from({ length: replicas }, (_, index) => `nats://${name}${index}`),
});
const size = fc.constantFrom<HubShape['replicas']>(1, 3, 5);
const told = fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined });

test('more voters count when the hub has them', () => {
  assert.equal(adoptedShape(shape(1), shape(3), 1).replicas, 1);
  assert.equal(adoptedShape(shape(1), shape(3), undefined).replicas, 1);
  assert.equal(adoptedShape(shape(1), shape(3), 3).replicas, 3);
  assert.equal(adoptedShape(shape(3), shape(5), 4).replicas, 3);
});

test('fewer count at once, but never one in place of three; others of the same number too', () => {
  assert.equal(adoptedShape(shape(5), shape(3), 5).replicas, 3);
  assert.equal(adoptedShape(shape(3), shape(1), 3).replicas, 3);
  const other = shape(3, 'b');
  assert.equal(adoptedShape(shape(3), other, 3), other);
});

test('no copies are wanted that the hub has no voters for, and never fewer than three of three', () => {
  fc.assert(
    fc.property(size, size, told, (from, to, count) => {
      const { replicas } = adoptedShape(shape(from), shape(to), count);
      assert.ok(replicas === from || replicas === to);
      assert.ok(replicas <= Math.max(from, count ?? 0));
      assert.ok(replicas >= Math.min(from, 3));
      if (to <= from && to >= 3) assert.equal(replicas, to);
    }),
  );
});
