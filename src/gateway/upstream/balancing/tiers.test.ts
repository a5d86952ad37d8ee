import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RoundRobin } from './round-robin.ts';
import { endpointsOf, FakeLoads, isFair, keyOf, seeded } from './testdata/endpoints.ts';
import { RegionSpill, TierBalancer, TierDivision } from './tier-balancer.ts';
import { divide, tiersOf } from './tiers.ts';

const key = keyOf();

const tier = fc
  .record({
    weight: fc.integer({ min: 0, max: 1_000 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ weight, part }) => ({ weight, usable: Math.floor(weight * part) }));
const tiers = fc.array(tier, { minLength: 1, maxLength: 4 });
const factor = fc.double({ min: 1, max: 10, noNaN: true });
const close = (a: number, b: number) => Math.abs(a - b) < 1e-9;

test('all of a tier while 71 % of it are usable, then the next one, then beyond', () => {
  const share = (...usable: number[]) =>
    divide(
      usable.map((part) => ({ weight: 100, usable: part })),
      1.4,
    );
  assert.deepEqual(share(100, 100), { tiers: [1, 0], beyond: 0 });
  assert.deepEqual(share(72, 100), { tiers: [1, 0], beyond: 0 });
  const half = share(50, 80);
  assert.ok(close(half.tiers[0]!, 0.7) && close(half.tiers[1]!, 0.3) && half.beyond === 0);
  const little = share(10, 20);
  assert.ok(close(little.tiers[0]!, 0.14) && close(little.tiers[1]!, 0.28));
  assert.ok(close(little.beyond, 0.58));
  assert.deepEqual(share(0, 0), { tiers: [0, 0], beyond: 1 });
});

test('shares are those of all requests, and none goes where nothing is usable', () => {
  fc.assert(
    fc.property(tiers, factor, (weights, by) => {
      const { tiers: shares, beyond } = divide(weights, by);
      assert.ok(
        close(
          shares.reduce((sum, share) => sum + share, beyond),
          1,
        ),
      );
      assert.ok([...shares, beyond].every((share) => share >= 0 && share <= 1));
      for (const [at, { usable }] of weights.entries())
        if (usable === 0) assert.equal(shares[at], 0);
      // A tier never has more than its factor allows, and all of that before the next has any.
      for (const [at, { weight, usable }] of weights.entries()) {
        if (usable === 0) continue;
        const most = (usable / weight) * by;
        assert.ok(shares[at]! <= most + 1e-9);
        const later = shares.slice(at + 1).reduce((sum, share) => sum + share, beyond);
        assert.ok(later < 1e-9 || close(shares[at]!, most));
      }
    }),
  );
});

test('what recovers takes no less, and those after it no more', () => {
  fc.assert(
    fc.property(
      tiers,
      factor,
      fc.nat(),
      fc.integer({ min: 1, max: 1_000 }),
      (weights, by, at, more) => {
        const which = at % weights.length;
        const better = weights.map((one, index) =>
          index === which ? { ...one, usable: Math.min(one.weight, one.usable + more) } : one,
        );
        const before = divide(weights, by);
        const after = divide(better, by);
        for (let index = 0; index < which; index++) {
          assert.equal(after.tiers[index], before.tiers[index]);
        }
        assert.ok(after.tiers[which]! >= before.tiers[which]!);
        for (let index = which + 1; index < weights.length; index++) {
          assert.ok(after.tiers[index]! <= before.tiers[index]! + 1e-9);
        }
        assert.ok(after.beyond <= before.beyond + 1e-9);
      },
    ),
  );
});

test('two tiers only where the zone divides the endpoints that take requests', () => {
  const endpoints = endpointsOf([1, 1, 0, 1], (at) => ['a', 'b', 'c', undefined][at]);
  const indices = (zone: string | undefined) =>
    tiersOf(endpoints, zone).map((of) => of.map(({ index }) => index));
  assert.deepEqual(indices('a'), [[0], [1, 3]]);
  assert.deepEqual(indices('b'), [[1], [0, 3]]);
  assert.deepEqual(indices('c'), [[0, 1, 3]], 'the only one there has no weight');
  assert.deepEqual(indices('d'), [[0, 1, 3]]);
  assert.deepEqual(indices(undefined), [[0, 1, 3]]);
  assert.deepEqual(
    tiersOf(
      endpointsOf([1, 1], () => 'a'),
      'a',
    ).length,
    1,
  );
});

/** Four endpoints in the own zone, four elsewhere in the region. */
function region(seed: number) {
  const endpoints = endpointsOf([1, 1, 1, 1, 1, 1, 1, 1], (at) => (at < 4 ? 'a' : 'b'));
  const loads = new FakeLoads();
  const changes = { generation: 0 };
  const split = tiersOf(endpoints, 'a');
  const division = new TierDivision(split, 1.4, changes);
  const random = seeded(seed);
  const balancer = new TierBalancer(
    split.map((of) => new RoundRobin(of)),
    division,
    random,
  );
  const spill = new RegionSpill(division, random, undefined);
  const eject = (...indices: number[]) => {
    for (const index of indices) loads.out.add(index);
    changes.generation++;
  };
  const shares = (requests: number) => {
    const counts = [0, 0, 0];
    for (let n = 0; n < requests; n++) {
      if (spill.leaves(key, loads)) counts[2]!++;
      else counts[balancer.next(key, loads, [], false)!.index < 4 ? 0 : 1]!++;
    }
    return counts;
  };
  return { balancer, spill, loads, eject, shares };
}

test('requests stay in the zone, then spill over to the region, then beyond it', () => {
  const { eject, shares } = region(1);
  assert.deepEqual(shares(1_000), [1_000, 0, 0]);
  eject(0);
  assert.deepEqual(shares(1_000), [1_000, 0, 0], 'three of four × 1.4 is enough');
  eject(1);
  assert.ok(isFair(shares(20_000), [0.7, 0.3, 0]));
  eject(2, 4, 5, 6);
  assert.ok(isFair(shares(20_000), [0.35, 0.35, 0.3]));
});

test('without a way beyond, the region takes everything, in the same proportion', () => {
  const { balancer, eject, loads } = region(2);
  eject(0, 1, 2, 4, 5, 6);
  const counts = [0, 0];
  for (let n = 0; n < 10_000; n++) {
    counts[balancer.next(key, loads, [], false)!.index < 4 ? 0 : 1]!++;
  }
  assert.ok(isFair(counts, [1, 1]), `${counts}`);
});

test('a tier that has nothing more to give passes the request on', () => {
  const { balancer, spill, eject, loads } = region(3);
  const next = (tried: number[], anyState = false) =>
    balancer.next(key, loads, tried, anyState)?.index;
  assert.ok(next([0, 1, 2, 3])! >= 4);
  eject(0, 1, 2, 3, 4, 5, 6, 7);
  assert.equal(next([]), undefined);
  assert.equal(spill.leaves(key, loads), true);
  assert.ok(next([], true)! < 4, 'the last resort begins in the own zone');
  assert.ok(next([0, 1, 2, 3], true)! >= 4);
});

test('shares are computed when something changed, not for each request', () => {
  const endpoints = endpointsOf([1, 1]);
  const loads = new FakeLoads();
  let looks = 0;
  const counting = Object.assign(Object.create(loads) as FakeLoads, {
    ejected: (index: number) => {
      looks++;
      return loads.out.has(index);
    },
  });
  const changes = { generation: 7 };
  const division = new TierDivision([endpoints], 1.4, changes);
  for (let n = 0; n < 10; n++) assert.equal(division.shares(counting).beyond, 0);
  assert.equal(looks, 2);
  loads.out.add(0).add(1);
  assert.equal(division.shares(counting).beyond, 0, 'nothing said that anything changed');
  changes.generation++;
  assert.equal(division.shares(counting).beyond, 1);
});
