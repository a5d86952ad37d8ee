import { noTime, type Timestamp } from './timestamp.ts';

/** Of each region, the newest write to a key that is known; regions without any are missing. */
export type Seen = ReadonlyMap<string, Timestamp>;

/**
 * A write to a key, without its value. `seen` is what the writer's region knew of the key when
 * it wrote, which is more than the clock tells: a later write need not have seen an earlier one.
 *
 *   eu  ──w1(t=5)──────────────┬──▶ w3(t=9, seen eu:5 us:7)    beats both, had seen both
 *   us  ─────────w2(t=7)───────┘                               w2 beats w1, had not seen it: w1 lost
 */
export interface Write {
  readonly region: string;
  readonly at: Timestamp;
  readonly seen: Seen;
  /** The write removed the value. */
  readonly deleted: boolean;
}

/** Whether `a` wins over `b`: by time, then by region. A total order of all writes to a key. */
export function beats(a: Write, b: Write): boolean {
  return a.at > b.at || (a.at === b.at && a.region > b.region);
}

/** Whether who wrote `later` knew of `earlier`, or of a newer write of its region. */
export function hadSeen(later: Write, earlier: Write): boolean {
  if (later.region === earlier.region) return later.at >= earlier.at;
  return (later.seen.get(earlier.region) ?? noTime) >= earlier.at;
}

/**
 * The join: of all that is known of a key, in any order and however often, the write that
 * counts. Commutative, associative and idempotent, as a maximum is.
 */
export function winner<T extends Write>(writes: Iterable<T>): T | undefined {
  let best: T | undefined;
  for (const write of writes) {
    if (best === undefined || beats(write, best)) best = write;
  }
  return best;
}

/** All that is known of a key: the writes, and what their writers knew. */
export function allSeen(writes: Iterable<Write>): Map<string, Timestamp> {
  const all = new Map<string, Timestamp>();
  const note = (region: string, at: Timestamp) => {
    if (at > (all.get(region) ?? noTime)) all.set(region, at);
  };
  for (const { region, at, seen } of writes) {
    note(region, at);
    for (const [other, time] of seen) note(other, time);
  }
  return all;
}

/** The entity tag of a write. */
export function versionOf({ at, region }: Write): string {
  return `${at}@${region}`;
}
