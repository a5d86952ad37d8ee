import type { Rdata } from '../wire/records/record-type.ts';
import type { OutsideAnswer } from './outside-answer.ts';

export interface OutsideTimes {
  /** What TTLs are brought between. */
  readonly minimumTtlMs: number;
  readonly maximumTtlMs: number;
  /** How long an answer goes on when its TTL is over and no resolver answers (RFC 8767). */
  readonly staleMs: number;
}

/** Addresses to answer with, and for how long. */
export interface OutsideRecords {
  readonly records: readonly Rdata[];
  readonly ttlSeconds: number;
  /** No resolver has confirmed them in time. */
  readonly isStale: boolean;
}

/** RFC 8767 4: the TTL of what is stale. */
const staleTtlSeconds = 30;
/** After failures that follow each other: soon at first, then as RFC 8767 5 has it. */
const retryMs = [1_000, 5_000, 30_000];
/** Of its TTL an answer is this old when it is asked for anew. */
const refreshShare = 0.75;

/**
 * What is known of the addresses of one family of a name outside. Times are those of one
 * monotonic clock, given from without.
 *
 *           answer                    TTL over, no answer
 *   unknown ──────▶ fresh ─────────────────────────▶ stale ──────────▶ unknown
 *      ▲  │           ▲  └─ asked anew at ¾ of the TTL   │   `staleMs`
 *      └──┘ failure   └──────────────────────────────────┘
 *           again after 1, 5, then 30 s       answer
 */
export class OutsideSet {
  readonly #times: OutsideTimes;
  #records: readonly Rdata[] = [];
  #ttlMs = 0;
  #takenMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #dueMs: number;

  constructor(times: OutsideTimes, nowMs: number) {
    this.#times = times;
    this.#dueMs = nowMs;
  }

  /** When it is to be asked for again. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** `undefined`: not known, or for too long not confirmed. */
  find(nowMs: number): OutsideRecords | undefined {
    const ageMs = nowMs - this.#takenMs;
    const isStale = ageMs >= this.#ttlMs;
    if (ageMs >= this.#ttlMs + this.#times.staleMs) return undefined;
    const ttlSeconds = Math.ceil(this.#ttlMs / 1_000);
    return {
      records: this.#records,
      ttlSeconds: isStale ? Math.min(ttlSeconds, staleTtlSeconds) : ttlSeconds,
      isStale,
    };
  }

  /** @param chance [0, 1): so that names that were asked for together do not stay together */
  take({ records, ttlSeconds }: OutsideAnswer, nowMs: number, chance: number): void {
    const { minimumTtlMs, maximumTtlMs } = this.#times;
    this.#ttlMs = Math.min(Math.max(ttlSeconds * 1_000, minimumTtlMs), maximumTtlMs);
    this.#takenMs = nowMs;
    this.#failures = 0;
    this.#dueMs = nowMs + this.#ttlMs * (refreshShare - 0.1 * chance);
    // The same objects for the same data: signatures are found by them.
    if (!isSame(this.#records, records)) this.#records = records;
  }

  fail(nowMs: number): void {
    this.#dueMs = nowMs + retryMs[Math.min(this.#failures, retryMs.length - 1)]!;
    this.#failures++;
  }

  /** With other times from now on. */
  with(times: OutsideTimes): OutsideSet {
    const next = new OutsideSet(times, this.#dueMs);
    next.#records = this.#records;
    next.#ttlMs = Math.min(Math.max(this.#ttlMs, times.minimumTtlMs), times.maximumTtlMs);
    next.#takenMs = this.#takenMs;
    next.#failures = this.#failures;
    // A TTL that is shorter now ends sooner. After failures it is asked again soon anyhow.
    if (this.#failures === 0 && this.#takenMs > Number.NEGATIVE_INFINITY) {
      next.#dueMs = Math.min(this.#dueMs, this.#takenMs + next.#ttlMs * refreshShare);
    }
    return next;
  }
}

function isSame(one: readonly Rdata[], other: readonly Rdata[]): boolean {
  return one.length === other.length && one.every(({ tail }, at) => tail.equals(other[at]!.tail));
}
