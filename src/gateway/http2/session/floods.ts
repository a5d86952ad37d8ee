/**
 * What a peer may do too often. Each is lawful by itself, costs the sender next to nothing and
 * the receiver something, and no honest client does it in such numbers:
 *
 * - `resets`: streams that the peer opened and took back (rapid reset, CVE-2023-44487)
 * - `provokedResets`: streams that we had to reset for what it did (CVE-2025-8671)
 * - `continuations`: one field block in many frames (CVE-2024-27316 and its kin)
 * - `settings`, `pings`: each is owed an answer (CVE-2019-9512, CVE-2019-9515)
 * - `emptyData`: frames without a byte that do not end anything (CVE-2019-9518)
 * - `windowUpdates`, `priorities`, `unknownFrames`: say nothing in the end (CVE-2019-9513)
 */
export type FloodLimit =
  | 'resets'
  | 'provokedResets'
  | 'continuations'
  | 'settings'
  | 'pings'
  | 'emptyData'
  | 'windowUpdates'
  | 'priorities'
  | 'unknownFrames';

/** How much at once, and how much more each second. */
export interface FloodBudget {
  readonly burst: number;
  readonly perSecond: number;
}

export type FloodBudgets = Readonly<Record<Exclude<FloodLimit, 'continuations'>, FloodBudget>>;

/**
 * Generous to the honest: a browser that leaves a page takes back all its streams at once, gRPC
 * measures bandwidth by PINGs, and many clients send a WINDOW_UPDATE for each DATA frame.
 */
export const defaultFloodBudgets: FloodBudgets = Object.freeze({
  resets: { burst: 300, perSecond: 30 },
  provokedResets: { burst: 150, perSecond: 10 },
  settings: { burst: 30, perSecond: 1 },
  pings: { burst: 300, perSecond: 100 },
  emptyData: { burst: 100, perSecond: 10 },
  windowUpdates: { burst: 2_000, perSecond: 200 },
  priorities: { burst: 500, perSecond: 50 },
  unknownFrames: { burst: 200, perSecond: 20 },
});

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * Token buckets of one connection, each made when it is first needed: most connections never
 * spend from most of them.
 */
export class FloodGuard {
  readonly #budgets: FloodBudgets;
  readonly #buckets: Partial<Record<FloodLimit, Bucket>> = {};

  constructor(budgets: FloodBudgets) {
    this.#budgets = budgets;
  }

  /** Takes one of `limit`; false: there is none left. `nowMs`: monotonic. */
  spend(limit: keyof FloodBudgets, nowMs: number): boolean {
    const { burst, perSecond } = this.#budgets[limit];
    let bucket = this.#buckets[limit];
    if (!bucket) {
      bucket = { tokens: burst, atMs: nowMs };
      this.#buckets[limit] = bucket;
    } else {
      const earned = ((nowMs - bucket.atMs) / 1_000) * perSecond;
      bucket.tokens = Math.min(burst, bucket.tokens + earned);
      bucket.atMs = nowMs;
    }
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  /** Something useful happened that honest peers answer with `limit`: gives back `count`. */
  earn(limit: keyof FloodBudgets, count: number): void {
    const bucket = this.#buckets[limit];
    if (bucket) bucket.tokens = Math.min(this.#budgets[limit].burst, bucket.tokens + count);
  }
}
