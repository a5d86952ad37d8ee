import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { combine, confidenceOf, decayed, estimateOf, isBelieved, unexpired } from './estimate.ts';

const decay = { halfLifeMs: 100, expiryMs: 400 };
const at = (ms: number, atMs = 1_000) => ({ ms, atMs });

test('the median and its spread; what has expired does not count', () => {
  assert.deepEqual(estimateOf([at(20), at(23), at(5_000)], decay), {
    medianMs: 23,
    spreadMs: 3,
    reports: 3,
    atMs: 1_000,
  });
  assert.deepEqual(unexpired([at(20), at(21, 600), at(22, 599)], 1_000, decay), [
    at(20),
    at(21, 600),
  ]);
  assert.equal(estimateOf([], decay), undefined);
  assert.deepEqual(
    [0, 100, 200, 400, 401, -50].map((ageMs) => decayed(8, ageMs, decay)),
    [8, 4, 2, 0.5, 0, 8],
  );
});

const anyMs = fc.double({ min: 0.1, max: 5_000, noNaN: true });

test('property: fewer than half of the reports, whatever they say, leave the median among the others', () => {
  fc.assert(
    fc.property(
      fc.array(anyMs, { minLength: 1, maxLength: 15 }),
      fc.array(anyMs, { maxLength: 14 }),
      (honest, lies) => {
        const few = lies.slice(0, honest.length - 1);
        const all = [...honest, ...few].map((ms) => at(ms));
        const { medianMs } = estimateOf(all, decay) ?? assert.fail();
        const rounding = 0.05 + 1e-9;
        assert.ok(medianMs >= Math.min(...honest) - rounding);
        assert.ok(medianMs <= Math.max(...honest) + rounding);
      },
    ),
  );
});

test('property: reports that came one after the other are worth together what each is, at any time after', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 600, max: 1_000 }), { minLength: 1, maxLength: 15 }),
      fc.integer({ min: 0, max: 150 }),
      (times, laterMs) => {
        const one =
          estimateOf(
            times.map((atMs) => at(20, atMs)),
            decay,
          ) ?? assert.fail();
        const forever = { ...decay, expiryMs: 10_000 };
        const each = times.map((atMs) => decayed(1, 1_000 + laterMs - atMs, forever));
        const together = decayed(one.reports, 1_000 + laterMs - one.atMs, forever);
        const sum = each.reduce((all, weight) => all + weight, 0);
        assert.ok(Math.abs(together - sum) < 1e-6);
      },
    ),
  );
});

test('of several nodes the one with many fresh reports decides, and their difference is spread', () => {
  const one = { medianMs: 20, spreadMs: 2, reports: 10, atMs: 1_000 };
  const other = { medianMs: 90, spreadMs: 1, reports: 4, atMs: 1_000 };
  assert.deepEqual(combine([one], 1_100, decay), { ...one, weight: 5 });
  assert.deepEqual(combine([one, other], 1_000, decay), { ...one, weight: 10 });
  assert.equal(combine([{ ...one, atMs: 700 }, other], 1_000, decay)?.medianMs, 90);
  assert.equal(combine([{ ...one, reports: 5 }, other, { ...other }], 1_000, decay)?.spreadMs, 1);
  assert.equal(combine([one, { ...other, reports: 10 }], 1_000, decay)?.spreadMs, 2);
  assert.equal(combine([{ ...one, atMs: 0 }], 1_000, decay), undefined);
});

test('an old crowd does not vouch for one new report, here or at another node', () => {
  const crowd = { medianMs: 20, spreadMs: 1, reports: 15, atMs: 600 };
  const one = { medianMs: 500, spreadMs: 0, reports: 1, atMs: 1_000 };
  const both = combine([crowd, one], 1_000, decay) ?? assert.fail();
  assert.deepEqual([both.medianMs, both.reports, isBelieved(both, 5)], [500, 1, false]);
  // Nor where it says nearly the same, for what decides is the new one.
  const near = combine([crowd, { ...one, medianMs: 25 }], 1_000, decay) ?? assert.fail();
  assert.deepEqual([near.medianMs, near.reports], [25, 1]);
  // What the crowd itself said counts on.
  assert.equal(combine([{ ...crowd, atMs: 700 }, one], 1_000, decay)?.reports, 15);
  assert.equal(combine([crowd, { ...one, medianMs: 20 }], 1_000, decay)?.reports, 15);
  const samples = [...Array.from({ length: 14 }, () => at(20, 600)), at(21)];
  const mixed = estimateOf(samples, decay) ?? assert.fail();
  const fresh = { medianMs: 90, spreadMs: 1, reports: 6, atMs: 1_000 };
  assert.equal(combine([mixed, fresh], 1_000, decay)?.medianMs, 90, 'the crowd did not become new');
});

const anyEstimate = fc.record({
  medianMs: fc.constantFrom(20, 24, 90, 100, 500),
  spreadMs: fc.integer({ min: 0, max: 30 }),
  reports: fc.constantFrom(1, 2, 4, 5, 15),
  atMs: fc.constantFrom(600, 700, 800, 990, 1_000),
});

test('property: over nodes as many are believed as one of them says that agrees, and time alone changes nothing', () => {
  fc.assert(
    fc.property(fc.array(anyEstimate, { minLength: 1, maxLength: 8 }), (estimates) => {
      const all = combine(estimates, 1_000, decay) ?? assert.fail();
      const least = 5;
      const agreeing = estimates.filter(({ medianMs }) =>
        isBelieved(
          {
            ...all,
            medianMs: all.medianMs,
            spreadMs: Math.abs(medianMs - all.medianMs),
            reports: least,
          },
          least,
        ),
      );
      // Who said it as late as this cannot be outvoted by those of long ago.
      const sinceMs = Math.min(
        ...estimates.filter(({ medianMs }) => medianMs === all.medianMs).map(({ atMs }) => atMs),
      );
      if (isBelieved(all, least)) {
        assert.ok(
          agreeing.some(({ reports, atMs }) => {
            const halves = Math.max(0, sinceMs - atMs) / decay.halfLifeMs;
            return reports / 2 ** halves >= least - 1e-9;
          }),
        );
      }
      assert.ok(all.reports <= Math.max(...agreeing.map(({ reports }) => reports)));
      assert.deepEqual(combine(estimates.toReversed(), 1_000, decay), all);
      const long = { ...decay, expiryMs: 100_000 };
      const { weight: _, ...now } = combine(estimates, 1_000, long) ?? assert.fail();
      const { weight: __, ...later } = combine(estimates, 1_500, long) ?? assert.fail();
      assert.deepEqual(later, now);
    }),
  );
});

test('enough reports that agree are believed; confidence rises with both', () => {
  const estimate = (medianMs: number, spreadMs: number, reports: number) => ({
    medianMs,
    spreadMs,
    reports,
    weight: reports,
    atMs: 0,
  });
  assert.ok(isBelieved(estimate(5, 10, 5), 5));
  assert.ok(isBelieved(estimate(100, 50, 5), 5));
  assert.ok(!isBelieved(estimate(100, 51, 5), 5));
  assert.ok(!isBelieved(estimate(100, 0, 4), 5));
  assert.equal(confidenceOf(estimate(100, 0, 5), 5), 0.5);
  assert.equal(confidenceOf(estimate(100, 100, 15), 5), 0.375);
});
