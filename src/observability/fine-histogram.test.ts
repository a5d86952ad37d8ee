import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  coarsened,
  fineBound,
  fineBucket,
  fineWidth,
  halfOctaveBoundsMs,
  octaveBoundsMs,
  recordFine,
} from './fine-histogram.ts';

test('buckets follow each other, and each holds what is below its bound', () => {
  for (let bucket = 8; bucket < fineWidth - 1; bucket++) {
    assert.equal(fineBucket(fineBound(bucket - 1)), bucket);
    assert.ok(fineBound(bucket) > fineBound(bucket - 1));
  }
});

test('property: the middle of its bucket is within 12.5 % of any duration', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.5, max: 100_000, noNaN: true }), (ms) => {
      const bucket = fineBucket(ms);
      const middle = (fineBound(bucket - 1) + fineBound(bucket)) / 2;
      // What is below one unit of 1/16 ms is cut off before.
      assert.ok(Math.abs(middle - ms) <= ms * 0.125 + 1 / 16, `${ms} in ${middle}`);
    }),
  );
});

test('what is too short, too long or no number counts at an end', () => {
  const words = new Float64Array(fineWidth);
  for (const ms of [0, 1e-9, 1e12, Number.POSITIVE_INFINITY])
    assert.ok(fineBucket(ms) < fineWidth - 1);
  recordFine(words, 0, 0);
  assert.equal(
    words.reduce((sum, word) => sum + word),
    1,
  );
});

test('property: coarser bounds tell the same counts', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 200_000, noNaN: true })),
      fc.constantFrom(octaveBoundsMs, halfOctaveBoundsMs),
      (durations, bounds) => {
        const words = new Float64Array(fineWidth);
        for (const ms of durations) recordFine(words, 0, ms);
        const coarse = coarsened(words, bounds);
        let below = 0;
        for (const [at, bound] of bounds.entries()) {
          below += coarse[1 + at]!;
          const expected = durations.filter((ms) => fineBound(fineBucket(ms)) <= bound).length;
          assert.equal(below, expected, `≤ ${bound}`);
        }
        assert.equal(below + coarse[1 + bounds.length]!, durations.length);
      },
    ),
  );
});
