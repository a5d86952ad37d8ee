import { count } from './counter-block.ts';

/**
 * A latency histogram inside a counter block, by upper bounds in milliseconds:
 *
 *   ┌ sum in ms ┬ ≤ bound 0 ┬ ≤ bound 1 ┬ … ┬ ≤ last ┬ above ┐   counts not cumulative
 *   └───────────┴───────────┴───────────┴───┴────────┴───────┘
 *
 * The sum lies beside the buckets of short durations: a request touches memory in one place.
 */
export type BoundsMs = readonly number[];

/** From 0.5 ms to 10 s in steps of about two: requests. */
export const requestBoundsMs: BoundsMs = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
];

/** From 25 µs to 100 ms: DNS queries, which never wait for anything. */
export const queryBoundsMs: BoundsMs = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100];

/** How many words a histogram takes. */
export function histogramWidth(bounds: BoundsMs): number {
  return bounds.length + 2;
}

export function recordDuration(
  words: Float64Array,
  first: number,
  bounds: BoundsMs,
  durationMs: number,
): void {
  let bucket = 0;
  while (bucket < bounds.length && durationMs > bounds[bucket]!) bucket++;
  count(words, first, durationMs);
  count(words, first + 1 + bucket);
}
