import { count } from './counter-block.ts';

const unitsPerMs = 16;
const largest = 2 ** 21 - 1;
/** Buckets of one octave. */
const perOctave = 4;
const buckets = 21 * perOctave;

/** How many words a fine histogram takes: its buckets, and the sum in milliseconds. */
export const fineWidth = buckets + 1;

/**
 * A latency histogram inside a counter block with an error that is bounded whatever the
 * value, in the manner of HdrHistogram: each octave in four buckets of equal width, so that
 * the middle of a bucket is within 12.5 % of all that is in it. From 62.5 µs to 131 s; what
 * is beyond counts in the first or last bucket.
 *
 *   units of 1/16 ms   1 ── 2 ── 4 ┬ 5 ┬ 6 ┬ 7 ┬ 8 ─┬─ 10 ─┬─ 12 ─┬─ 14 ─┬─ 16 …
 */
export function recordFine(words: Float64Array, first: number, durationMs: number): void {
  count(words, first + fineBucket(durationMs));
  count(words, first + buckets, durationMs);
}

export function fineBucket(durationMs: number): number {
  const units = Math.min(largest, Math.max(1, Math.floor(durationMs * unitsPerMs)));
  const octave = 31 - Math.clz32(units);
  const part = octave >= 2 ? units >> (octave - 2) : units << (2 - octave);
  return octave * perOctave + (part & 3);
}

/** In milliseconds: what is in the bucket is less. */
export function fineBound(bucket: number): number {
  const octave = Math.floor(bucket / perOctave);
  return ((perOctave + (bucket % perOctave) + 1) * 2 ** (octave - 2)) / unitsPerMs;
}

/** Bounds at the ends of octaves, from 0.25 ms to 65 s: enough for most, exact for the buckets between. */
export const octaveBoundsMs: readonly number[] = Array.from(
  { length: 19 },
  (_, at) => 2 ** (at - 2),
);

/** Twice as many. */
export const halfOctaveBoundsMs: readonly number[] = octaveBoundsMs.flatMap((bound, at) =>
  at === 0 ? [bound] : [bound * 0.75, bound],
);

/** The same counts by coarser bounds, laid out as `recordDuration` does. */
export function coarsened(words: Float64Array, bounds: readonly number[]): Float64Array {
  const coarse = new Float64Array(bounds.length + 2);
  let bound = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    while (bound < bounds.length && fineBound(bucket) > bounds[bound]!) bound++;
    coarse[1 + bound]! += words[bucket]!;
  }
  coarse[0] = words[buckets]!;
  return coarse;
}
