import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { combine, confidenceOf, decayed, estimateOf, isBelieved } from './estimate.ts';

const decay = { halfLifeMs: 100, expiryMs: 400 };
const at = (ms: number, atMs = 1_000) => ({ ms, atMs });

test('the median and its spread; what has expired does not count', () => {
  assert.deepEqual(estimateOf([at(20), at(23), at(5_000)], 1_000, decay), {
    medianMs: 23,
    spreadMs: 3,
    reports: 3,
    atMs: 1_000,
  });
  assert.equal(estimateOf([at(20), at(21, 600), at(22, 599)], 1_000, decay)?.reports, 2);
  assert.equal(estimateOf([at(20, 599)], 1_000, decay), undefined);
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
        const { medianMs } = estimateOf(all, 1_000, decay) ?? assert.fail();
        const rounding = 0.05 + 1e-9;
        assert.ok(medianMs >= Math.min(...honest) - rounding);
        assert.ok(medianMs <= Math.max(...honest) + rounding);
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
