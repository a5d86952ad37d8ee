/** What is known of the round trip from one network to one region. */
export interface Estimate {
  /** Median of the round trips, in tenths of a millisecond exactly. */
  readonly medianMs: number;
  /** Median of the distances from it. */
  readonly spreadMs: number;
  /** How many reports it rests on, each of another address. */
  readonly reports: number;
  /** Monotonic: if all were of this time, they would be worth what they are. */
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

/** What a weight is worth after so long. After one time and then another it is what it is after both. */
export function decayed(weight: number, ageMs: number, { halfLifeMs, expiryMs }: Decay): number {
  return ageMs > expiryMs ? 0 : weight * 0.5 ** (Math.max(0, ageMs) / halfLifeMs);
}

/** Those that count yet. */
export function unexpired<S extends Sample>(samples: readonly S[], nowMs: number, of: Decay): S[] {
  return samples.filter(({ atMs }) => nowMs - atMs <= of.expiryMs);
}

/**
 * Of reports that count, at most one by each client. The median: whoever sends what is
 * false moves it by one place among the others at most. `undefined`: there are none.
 */
export function estimateOf(samples: readonly Sample[], decay: Decay): Estimate | undefined {
  if (samples.length === 0) return undefined;
  const medianMs = median(samples.map(({ ms }) => ms));
  const spreadMs = median(samples.map(({ ms }) => Math.abs(ms - medianMs)));
  return {
    medianMs: tenths(medianMs),
    spreadMs: tenths(spreadMs),
    reports: samples.length,
    atMs: commonTime(samples, decay),
  };
}

/**
 * Of reports that came one after the other. Not that of the newest: with it one report would make
 * a whole crowd as new as itself.
 */
function commonTime(samples: readonly Sample[], decay: Decay): number {
  const newestMs = Math.max(...samples.map(({ atMs }) => atMs));
  const worth = samples.reduce((sum, { atMs }) => sum + decayed(1, newestMs - atMs, decay), 0);
  return newestMs + decay.halfLifeMs * Math.log2(worth / samples.length);
}

/**
 * What several nodes know of the same: the median of their medians, each by the weight of its
 * reports. Where they differ, by how much counts as spread. `undefined`: nothing is left.
 *
 * Reports are those of the one node that has most of them, since one client can report to every
 * node. Only a node that says about the same stands for the median, and its reports are worth what
 * they were worth when that was said: an old crowd does not vouch for one new report.
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
  const apart = (one: Estimate) => Math.abs(one.medianMs - medianMs);
  const spreadMs = weightedMedian(
    weighed.map((one) => ({ value: Math.max(one.spreadMs, apart(one)), weight: one.weight })),
  );
  const saidMs = Math.min(...weighed.flatMap((one) => (apart(one) === 0 ? [one.atMs] : [])));
  const agreeing = weighed.filter((one) => apart(one) <= toleranceMs(medianMs));
  const worth = agreeing.map(({ reports, atMs }) => decayed(reports, saidMs - atMs, decay));
  return {
    medianMs,
    spreadMs,
    reports: Math.floor(Math.max(...worth)),
    weight: Math.max(...agreeing.map(({ weight }) => weight)),
    atMs: Math.max(...agreeing.map(({ atMs }) => atMs)),
  };
}

/** A spread up to this is of no account, however short the round trip is. */
const smallSpreadMs = 10;

const toleranceMs = (medianMs: number): number => Math.max(smallSpreadMs, medianMs / 2);

/** Enough reports, which agree: to steer by. */
export function isBelieved({ medianMs, spreadMs, reports }: Estimate, least: number): boolean {
  return reports >= least && spreadMs <= toleranceMs(medianMs);
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
