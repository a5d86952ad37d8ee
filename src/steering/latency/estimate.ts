/** What is known of the round trip from one network to one region. */
export interface Estimate {
  /** Median of the round trips, in tenths of a millisecond exactly. */
  readonly medianMs: number;
  /** Median of the distances from it. */
  readonly spreadMs: number;
  /** How many reports it rests on, each of another address. */
  readonly reports: number;
  /** Monotonic time of the newest. */
  readonly atMs: number;
}

/** What is known at a moment. */
export interface WeighedEstimate extends Estimate {
  /** The reports, those of longer ago for less (`decayed`). */
  readonly weight: number;
}

/** One round trip that was reported. */
export interface Sample {
  readonly ms: number;
  readonly atMs: number;
}

/** A report of this age counts half; after twice of it, a quarter. */
export interface Decay {
  readonly halfLifeMs: number;
  /** After which it does not count at all. */
  readonly expiryMs: number;
}

/** What a weight is worth after so long. */
export function decayed(weight: number, ageMs: number, { halfLifeMs, expiryMs }: Decay): number {
  return ageMs > expiryMs ? 0 : weight * 0.5 ** (Math.max(0, ageMs) / halfLifeMs);
}

/**
 * Of some reports, at most one by each client. The median: whoever sends what is
 * false moves it by one place among the others at most. `undefined`: all have expired.
 */
export function estimateOf(
  samples: readonly Sample[],
  nowMs: number,
  decay: Decay,
): Estimate | undefined {
  const fresh = samples.filter(({ atMs }) => nowMs - atMs <= decay.expiryMs);
  if (fresh.length === 0) return undefined;
  const atMs = Math.max(...fresh.map((sample) => sample.atMs));
  const medianMs = median(fresh.map(({ ms }) => ms));
  const spreadMs = median(fresh.map(({ ms }) => Math.abs(ms - medianMs)));
  return { medianMs: tenths(medianMs), spreadMs: tenths(spreadMs), reports: fresh.length, atMs };
}

/**
 * What several nodes know of the same: the median of their medians, each by the weight of its
 * reports. Where they differ, by how much counts as spread. Of reports it has as many as the one
 * that has most: one client can report to every node. `undefined`: nothing is left.
 */
export function combine(
  estimates: readonly Estimate[],
  nowMs: number,
  decay: Decay,
): WeighedEstimate | undefined {
  const weighed = estimates.flatMap((estimate) => {
    const weight = decayed(estimate.reports, nowMs - estimate.atMs, decay);
    return weight > 0 ? [{ ...estimate, weight }] : [];
  });
  const [first, ...others] = weighed;
  if (!first) return undefined;
  if (others.length === 0) return first;
  const medianMs = weightedMedian(
    weighed.map(({ medianMs: value, weight }) => ({ value, weight })),
  );
  const spreadMs = weightedMedian(
    weighed.map((one) => ({
      value: Math.max(one.spreadMs, Math.abs(one.medianMs - medianMs)),
      weight: one.weight,
    })),
  );
  return {
    medianMs,
    spreadMs,
    reports: Math.max(...weighed.map(({ reports }) => reports)),
    weight: Math.max(...weighed.map(({ weight }) => weight)),
    atMs: Math.max(...weighed.map(({ atMs }) => atMs)),
  };
}

/** A spread up to this is of no account, however short the round trip is. */
const smallSpreadMs = 10;

/** Enough reports, which agree: to steer by. */
export function isBelieved({ medianMs, spreadMs, reports }: Estimate, least: number): boolean {
  return reports >= least && spreadMs <= Math.max(smallSpreadMs, medianMs / 2);
}

/** For people, from 0 to 1: half of it is won with the least reports
 * while they are new, and lost by a spread as large as the round trip. */
export function confidenceOf(
  { medianMs, spreadMs, weight }: WeighedEstimate,
  least: number,
): number {
  return (weight / (weight + least)) * (medianMs / (medianMs + spreadMs));
}

/** Of an even number, the lower one of the two in the middle. */
function median(values: readonly number[]): number {
  return weightedMedian(values.map((value) => ({ value, weight: 1 })));
}

function weightedMedian(values: readonly { value: number; weight: number }[]): number {
  const sorted = [...values].sort((a, b) => a.value - b.value);
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let below = 0;
  for (const { value, weight } of sorted) {
    below += weight;
    if (below >= half) return value;
  }
  return sorted.at(-1)?.value ?? Number.NaN;
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
