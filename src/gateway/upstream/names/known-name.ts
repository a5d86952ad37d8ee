import type { NameAnswer } from './name-source.ts';

/** Bounds of how long an answer is used before it is asked for again. */
const leastMs = 1_000;
const mostMs = 300_000;
/** After a failure: 1 s, 2 s, 4 s … */
const longestPauseMs = 30_000;
/**
 * How long addresses outlive what they came from. The DNS being out of reach says nothing
 * about them (RFC 8767 advises a day or more); its word that the name is gone is believed
 * when it has been repeated for a minute, so that one bad answer does no harm.
 */
const unavailableLimitMs = 24 * 3_600_000;
const unknownLimitMs = 60_000;

/**
 * What is known of one name. Without I/O: answers, failures and the time go in.
 *
 *              answer                      ttl over, failure
 *   unknown ──────────▶ fresh (age < ttl) ──────────────────▶ stale, addresses still used
 *      ▲                  ▲                                    │        │
 *      │                  └──────────── answer ────────────────┘        │
 *      └──────── a minute of "no such name", a day of silence ──────────┘
 */
export class KnownName {
  #addresses: readonly string[] = [];
  #answeredMs = 0;
  /** Since when the DNS says that there is no such name. */
  #deniedMs: number | undefined;
  #failures = 0;
  #failedMs = 0;
  #turn = 0;

  /** The last good ones; none: it is unknown. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Since the last answer. */
  get failures(): number {
    return this.#failures;
  }

  /** It has failed so recently that asking again is no use: whoever needs it now goes without. */
  rests(nowMs: number): boolean {
    return this.#failures > 0 && nowMs - this.#failedMs < leastMs;
  }

  /** Since the last answer, in milliseconds. */
  ageMs(nowMs: number): number {
    return nowMs - this.#answeredMs;
  }

  /**
   * All addresses, beginning with another one each time. Those of IPv4 stay before those of
   * IPv6, which not every network has a way to.
   */
  rotated(): readonly string[] {
    if (this.#addresses.length < 2) return this.#addresses;
    const turn = this.#turn++;
    const four = this.#addresses.filter((address) => !address.includes(':'));
    const six = this.#addresses.filter((address) => address.includes(':'));
    return [...turned(four, turn), ...turned(six, turn)];
  }

  /**
   * @param jitter in [0, 1): names with the same TTL are not asked for in the same moment
   * @returns the addresses that are gone, and after how many milliseconds to ask again
   */
  answered(answer: NameAnswer, nowMs: number, jitter: number) {
    const gone = this.#addresses.filter((address) => !answer.addresses.includes(address));
    this.#addresses = answer.addresses;
    this.#answeredMs = nowMs;
    this.#deniedMs = undefined;
    this.#failures = 0;
    const ttlMs = Math.min(answer.ttlMs, mostMs) * (1 - jitter / 10);
    return { gone, againMs: Math.max(ttlMs, leastMs) };
  }

  /** @param denied the DNS says that there is no such name; false: it could not be asked */
  failed(denied: boolean, nowMs: number) {
    const pauseMs = Math.min(leastMs * 2 ** this.#failures, longestPauseMs);
    this.#failures++;
    this.#failedMs = nowMs;
    this.#deniedMs = denied ? (this.#deniedMs ?? nowMs) : undefined;
    const over =
      this.ageMs(nowMs) >= unavailableLimitMs ||
      (this.#deniedMs !== undefined && nowMs - this.#deniedMs >= unknownLimitMs);
    const gone = over ? this.#addresses : [];
    if (over) this.#addresses = [];
    return { gone, againMs: pauseMs };
  }
}

function turned(addresses: readonly string[], turn: number): readonly string[] {
  const from = turn % Math.max(1, addresses.length);
  return [...addresses.slice(from), ...addresses.slice(0, from)];
}
