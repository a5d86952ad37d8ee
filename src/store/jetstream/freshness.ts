/** What a mirror says of itself, at a moment. */
export interface MirrorReport {
  /** Monotonic time just before the mirror was asked. */
  readonly askedAtMs: number;
  /** Messages that its source has and it has not, as far as it heard. */
  readonly lag: number;
  /** Time since it last heard from its source (at least every second); negative: never. */
  readonly silentForMs: number;
}

/**
 * A bound on how old a mirror may be, from what it says of itself once a second. Pure.
 *
 *   level at ─────┐        majority confirmed at ──┐
 *   ──────────────▼────────────────────────────────▼──────────────▶ now
 *                 └───────────── stale for at most ───────────────┘
 *
 * A mirror cut off together with a minority voter hears that voter's heartbeats and calls
 * itself level, while the majority goes on without both. Hence the second mark: when a
 * majority last confirmed a write that went the same way. The older of the two counts.
 */
export class Freshness {
  #levelAtMs = Number.NEGATIVE_INFINITY;

  observe({ askedAtMs, lag, silentForMs }: MirrorReport): void {
    if (lag !== 0 || silentForMs < 0) return;
    this.#levelAtMs = Math.max(this.#levelAtMs, askedAtMs - silentForMs);
  }

  /** It is another mirror. */
  forget(): void {
    this.#levelAtMs = Number.NEGATIVE_INFINITY;
  }

  /** `Infinity` before the mirror was level for the first time. */
  staleForMs(nowMs: number, confirmedAtMs: number): number {
    return Math.max(0, nowMs - Math.min(this.#levelAtMs, confirmedAtMs));
  }
}

export type Source = 'mirror' | 'hub';

const lagsAfterMs = 5_000;
const levelWithinMs = 2_500;

/**
 * Where to read and watch: the mirror, unless it lags while the hub can be reached. Pure.
 *
 *   ┌────────┐  hub reachable, mirror older than 5 s   ┌─────┐
 *   │ mirror │ ──────────────────────────────────────▶ │ hub │
 *   │        │ ◀────────────────────────────────────── │     │
 *   └────────┘  mirror within 2.5 s, or hub out of     └─────┘
 *               reach
 *
 * Needed because a mirror whose request to its origin got lost (both were starting) waits
 * 30 s for the answer and then up to two minutes before it asks again.
 */
export class SourceChoice {
  #source: Source = 'mirror';

  choose(staleForMs: number, hubReachable: boolean): Source {
    if (!hubReachable || staleForMs < levelWithinMs) this.#source = 'mirror';
    else if (staleForMs > lagsAfterMs) this.#source = 'hub';
    return this.#source;
  }
}
