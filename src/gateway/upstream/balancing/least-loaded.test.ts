import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Balancer } from './balancer.ts';
import { LeastOfAll } from './least-of-all.ts';
import { LeastOfFew } from './least-of-few.ts';
import { peakEwmaCost, requestsCost } from './load-cost.ts';
import { endpointsOf, FakeLoads, isFair, keyOf, seeded } from './testdata/endpoints.ts';
import { WeightedDraw } from './weighted-draw.ts';

const key = keyOf();

function few(weights: readonly number[], seed: number, slowStartMs = 0, choices = 2): LeastOfFew {
  const endpoints = endpointsOf(weights);
  const random = seeded(seed);
  return new LeastOfFew({ endpoints, choices, cost: requestsCost, slowStartMs, random });
}

function all(weights: readonly number[], seed: number, slowStartMs = 0): LeastOfAll {
  return new LeastOfAll(endpointsOf(weights), requestsCost, slowStartMs, seeded(seed));
}

/** How often each is chosen. Nothing is ever under way. */
function counted(balancer: Balancer, loads: FakeLoads, requests: number): number[] {
  const counts: number[] = [];
  for (let n = 0; n < requests; n++) {
    const { index } = balancer.next(key, loads, [], false)!;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

/** Keeps `concurrency` requests under way that end in no order. What is under way at the end. */
function busy(balancer: Balancer, loads: FakeLoads, concurrency: number, random: () => number) {
  const underWay: number[] = [];
  for (let n = 0; n < concurrency * 40; n++) {
    if (underWay.length === concurrency) {
      const [ended] = underWay.splice(Math.floor(random() * concurrency), 1);
      loads.requests[ended!]!--;
    }
    const { index } = balancer.next(key, loads, [], false)!;
    loads.requests[index] = (loads.requests[index] ?? 0) + 1;
    underWay.push(index);
  }
  return loads.requests;
}

test('a draw is in proportion to the weights, however uneven', () => {
  for (const weights of [
    [1],
    [1, 1],
    [1, 2, 3],
    [100, 1],
    [5, 1, 1, 90, 3, 3, 40],
    [1e-3, 65_535],
  ]) {
    const draw = new WeightedDraw(weights, seeded(weights.length));
    const counts = weights.map(() => 0);
    for (let n = 0; n < 50_000; n++) counts[draw.next()]!++;
    assert.ok(isFair(counts, weights), `${weights}: ${counts}`);
  }
});

test('idle endpoints are chosen by weight, by few and by all', () => {
  for (const weights of [
    [1, 1, 1, 1],
    [3, 1],
    [1, 2, 3, 4],
  ]) {
    const ofAll = counted(all(weights, 1), new FakeLoads(), 40_000);
    assert.ok(isFair(ofAll, weights), `all of ${weights}: ${ofAll}`);
    // The first drawn wins among equals, and the first is drawn by weight.
    const ofFew = counted(few(weights, 2), new FakeLoads(), 40_000);
    assert.ok(isFair(ofFew, weights), `few of ${weights}: ${ofFew}`);
  }
});

test('with requests under way, each has as many as its weight lets expect', () => {
  const weights = [1, 1, 2, 4];
  const byAll = busy(all(weights, 3), new FakeLoads(), 80, seeded(4));
  for (const [at, weight] of weights.entries()) {
    assert.ok(Math.abs(byAll[at]! - 10 * weight) <= 3, `all: ${byAll}`);
  }
  const byFew = busy(few(weights, 5), new FakeLoads(), 80, seeded(6));
  for (const [at, weight] of weights.entries()) {
    assert.ok(Math.abs(byFew[at]! - 10 * weight) <= 4 + 2 * weight, `few: ${byFew}`);
  }
});

test('two choices keep the longest queue short where chance alone does not', () => {
  const weights = Array.from({ length: 50 }, () => 1);
  const most = (choices: number) =>
    Math.max(...busy(few(weights, 7, 0, choices), new FakeLoads(), 500, seeded(8)));
  assert.ok(most(1) >= 15, `by chance ${most(1)}, where the mean is 10`);
  assert.ok(most(2) <= 12, `of two ${most(2)}`);
});

test('one that was just admitted has few requests at first', () => {
  const share = (balancer: Balancer, loads: FakeLoads) => {
    const counts = counted(balancer, loads, 20_000);
    return (counts[0] ?? 0) / 20_000;
  };
  for (const make of [few, all]) {
    const loads = new FakeLoads();
    loads.sinceMs[0] = 1_000;
    const cold = share(make([1, 1, 1, 1], 9, 10_000), loads);
    assert.ok(cold > 0.01 && cold < 0.06, `cold ${cold}`);
    loads.sinceMs[0] = 10_000;
    const warm = share(make([1, 1, 1, 1], 9, 10_000), loads);
    assert.ok(warm > 0.23 && warm < 0.27, `warm ${warm}`);
  }
});

test('passes over the ejected and the tried, and finds the last one left', () => {
  const weights = Array.from({ length: 100 }, (_, at) => (at === 77 ? 1 : 1_000));
  for (const make of [few, all]) {
    const balancer = make(weights, 10);
    const loads = new FakeLoads();
    for (const at of weights.keys()) if (at !== 77) loads.out.add(at);
    assert.equal(balancer.next(key, loads, [], false)!.index, 77);
    assert.equal(balancer.next(key, loads, [77], false), undefined);
    assert.notEqual(balancer.next(key, loads, [77], true), undefined);
    assert.equal(make([], 10).next(key, loads, [], true), undefined);
  }
});

test('peak EWMA: the faster one, by what is under way too; the unknown one by one request', () => {
  const endpoints = endpointsOf([1, 1]);
  const cost = peakEwmaCost(endpoints);
  const balancer = new LeastOfFew({
    endpoints,
    choices: 2,
    cost,
    slowStartMs: 0,
    random: seeded(11),
  });
  const loads = new FakeLoads();
  const next = () => balancer.next(key, loads, [], false)!.index;
  loads.latencies.push(10, 40);
  assert.equal(next(), 0);
  loads.requests[0] = 2;
  assert.equal(next(), 0, '3 × 10 ms against 40 ms');
  loads.requests[0] = 4;
  assert.equal(next(), 1, '5 × 10 ms against 40 ms');
  loads.latencies[1] = 0;
  assert.equal(next(), 1, 'nothing is known of it and nothing under way: one request finds out');
  loads.requests[1] = 1;
  assert.equal(next(), 0, 'one is finding out');
});

test('peak EWMA: twice the weight may have twice as much under way', () => {
  const cost = peakEwmaCost(endpointsOf([1, 3]));
  const loads = new FakeLoads();
  loads.latencies.push(10, 10);
  loads.requests.push(2, 6);
  assert.equal(cost(0, loads, 1), cost(1, loads, 3));
  loads.requests[1] = 5;
  assert.ok(cost(0, loads, 1) > cost(1, loads, 3));
});
