/** The value below which the share `q` of the sorted values lies; linear between neighbours. */
export function quantile(values: readonly number[], q: number): number {
  return quantileOfSorted(
    values.toSorted((a, b) => a - b),
    q,
  );
}

function quantileOfSorted(sorted: readonly number[], q: number): number {
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** Of few values, one per round. */
export interface Spread {
  readonly median: number;
  readonly q1: number;
  readonly q3: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number) => quantileOfSorted(sorted, q);
  return { median: at(0.5), q1: at(0.25), q3: at(0.75), min: at(0), max: at(1) };
}

/** What a limit on the slow ones is compared with. */
export interface Tail {
  readonly count: number;
  readonly median: number;
  readonly p99: number;
  readonly worst: number;
}

export function tailOf(values: readonly number[]): Tail {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number) => quantileOfSorted(sorted, q);
  return { count: values.length, median: at(0.5), p99: at(0.99), worst: at(1) };
}

/** Of `scale ÷ value` for each value. */
export function invert({ median, q1, q3, min, max }: Spread, scale = 1): Spread {
  const of = (value: number) => scale / value;
  return { median: of(median), q1: of(q3), q3: of(q1), min: of(max), max: of(min) };
}

/** Of something that is counted, not sampled. */
export function exactly(value: number): Spread {
  return spreadOf([value]);
}
