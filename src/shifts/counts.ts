import { octaveBoundsMs } from '../observability/fine-histogram.ts';

/** Requests that ended, since the start of a node or between two moments. */
export interface Count {
  readonly requests: number;
  /** Those with status 5xx. */
  readonly failed: number;
  /** How many took how long: one for each of `octaveBoundsMs`, and those above. */
  readonly durations: readonly number[];
}

export const durationSlots = octaveBoundsMs.length + 1;

/** The two sides of a shift: whose share it sets, and all others. */
export interface Sides {
  readonly target: Count;
  readonly rest: Count;
}

/** What one node counted of a shift since it started. */
export interface NodeSides extends Sides {
  /** ISO 8601; another one is another process, which counts from 0. */
  readonly startedAt: string;
}

/** By `REGION.NODE`. */
export type CountsByNode = Readonly<Record<string, NodeSides>>;

export const noCount: Count = {
  requests: 0,
  failed: 0,
  durations: Array.from({ length: durationSlots }, () => 0),
};
export const noSides: Sides = { target: noCount, rest: noCount };

export function sumOf(counts: readonly Count[]): Count {
  return {
    requests: counts.reduce((sum, { requests }) => sum + requests, 0),
    failed: counts.reduce((sum, { failed }) => sum + failed, 0),
    durations: noCount.durations.map((_, slot) =>
      counts.reduce((sum, { durations }) => sum + (durations[slot] ?? 0), 0),
    ),
  };
}

export function all({ target, rest }: Sides): Count {
  return sumOf([target, rest]);
}

/**
 * What all nodes counted between two moments. One that started anew meanwhile counts from 0
 * again; of one that the earlier moment does not have, nobody knows what came before.
 */
export function between(earlier: CountsByNode, later: CountsByNode): Sides {
  const parts = Object.entries(later).flatMap(([node, now]): Sides[] => {
    const before = Object.hasOwn(earlier, node) ? earlier[node] : undefined;
    if (!before) return [];
    if (before.startedAt !== now.startedAt) return [now];
    return [{ target: minus(now.target, before.target), rest: minus(now.rest, before.rest) }];
  });
  return {
    target: sumOf(parts.map(({ target }) => target)),
    rest: sumOf(parts.map(({ rest }) => rest)),
  };
}

/** Counters of a service that a revision took away and brought back may have fallen. */
function minus(now: Count, before: Count): Count {
  return {
    requests: Math.max(0, now.requests - before.requests),
    failed: Math.max(0, now.failed - before.failed),
    durations: now.durations.map((count, slot) =>
      Math.max(0, count - (before.durations[slot] ?? 0)),
    ),
  };
}

export function failedShare({ requests, failed }: Count): number {
  return requests === 0 ? 0 : failed / requests;
}

/**
 * What 95 of 100 requests took at most, in milliseconds: within an octave as if spread evenly.
 * `undefined` without requests.
 */
export function p95Ms({ durations }: Count): number | undefined {
  const total = durations.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let left = total * 0.95;
  for (const [slot, count] of durations.entries()) {
    if (left > count || count === 0) {
      left -= count;
      continue;
    }
    const from = slot === 0 ? 0 : octaveBoundsMs[slot - 1]!;
    const to = octaveBoundsMs[slot] ?? from;
    return from + ((to - from) * left) / count;
  }
  return octaveBoundsMs.at(-1);
}
