import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RoundRobin } from './round-robin.ts';
import { endpointsOf, FakeLoads, idle, keyOf } from './testdata/endpoints.ts';

const key = keyOf();

test('is smooth: the heavy one does not take its turns in a row', () => {
  const balancer = new RoundRobin(endpointsOf([5, 1, 1]));
  const order = Array.from({ length: 7 }, () => balancer.next(key, idle, [], false)!.index);
  assert.deepEqual(order, [0, 0, 1, 0, 2, 0, 0]);
});

test('over a whole round everyone has as many turns as its weight', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 }),
      (weights) => {
        const balancer = new RoundRobin(endpointsOf(weights));
        const turns = weights.map(() => 0);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let n = 0; n < total; n++) turns[balancer.next(key, idle, [], false)!.index]!++;
        assert.deepEqual(turns, weights);
      },
    ),
  );
});

test('passes over the ejected and the tried, unless anything will do', () => {
  const balancer = new RoundRobin(endpointsOf([1, 1]));
  const loads = new FakeLoads();
  loads.out.add(0);
  for (let n = 0; n < 4; n++) assert.equal(balancer.next(key, loads, [], false)!.index, 1);
  assert.equal(balancer.next(key, loads, [1], false), undefined);
  assert.equal(balancer.next(key, loads, [1], true)!.index, 0);
  assert.equal(new RoundRobin(endpointsOf([0])).next(key, idle, [], true), undefined);
});

test('slow start: one that was just admitted has a tenth of its turns, then half, then all', () => {
  const balancer = new RoundRobin(endpointsOf([1, 1]), 10_000);
  const loads = new FakeLoads();
  const turns = (requests: number) => {
    let count = 0;
    for (let n = 0; n < requests; n++) count += balancer.next(key, loads, [], false)!.index;
    return count;
  };
  loads.sinceMs[1] = 0;
  assert.equal(turns(1_100), 100);
  loads.sinceMs[1] = 5_000;
  assert.equal(turns(300), 100);
  loads.sinceMs[1] = 10_000;
  assert.equal(turns(200), 100);
});
