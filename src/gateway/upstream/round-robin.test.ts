import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RoundRobin } from './round-robin.ts';

const endpoint = (index: number, weight: number) => ({
  index,
  weight,
  serviceIndex: 0,
  regionIndex: 0,
  host: 'h',
  port: 1,
  zone: undefined,
});
const none = { ejected: () => false };

test('is smooth: the heavy one does not take its turns in a row', () => {
  const balancer = new RoundRobin([endpoint(0, 5), endpoint(1, 1), endpoint(2, 1)]);
  const order = Array.from({ length: 7 }, () => balancer.next(none, [], false)!.index);
  assert.deepEqual(order, [0, 0, 1, 0, 2, 0, 0]);
});

test('over a whole round everyone has as many turns as its weight', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 }),
      (weights) => {
        const balancer = new RoundRobin(weights.map((weight, index) => endpoint(index, weight)));
        const turns = weights.map(() => 0);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let n = 0; n < total; n++) turns[balancer.next(none, [], false)!.index]!++;
        assert.deepEqual(turns, weights);
      },
    ),
  );
});

test('passes over the ejected and the tried, unless anything will do', () => {
  const balancer = new RoundRobin([endpoint(4, 1), endpoint(5, 1)]);
  const first = { ejected: (index: number) => index === 4 };
  for (let n = 0; n < 4; n++) assert.equal(balancer.next(first, [], false)!.index, 5);
  assert.equal(balancer.next(first, [5], false), undefined);
  assert.equal(balancer.next(first, [5], true)!.index, 4);
  assert.equal(new RoundRobin([endpoint(0, 0)]).next(none, [], true), undefined);
});
