/** Three canaries missed, and a little: then who was on duty is taken to be gone. */
const silenceMs = 3_500;

export interface SeenCanary {
  readonly sequence: number;
  readonly node: string;
}

/**
 * Which node of a region is on duty for a bucket: the one whose canaries are stored. It copies
 * what other regions wrote. Pure; times are monotonic milliseconds.
 *
 *   ┌─────────┐  none there, or none new for 3.5 s   ┌─────────┐
 *   │ watches │ ──────── compare-and-set ──────────▶ │ on duty │ ─┐ own one was the last:
 *   │         │ ◀─────────────────────────────────── │         │ ◀┘ the next
 *   └─────────┘  somebody else's was stored          └─────────┘
 *
 * Two may believe to be on duty for a moment. All that they do is compare-and-set or comes to
 * the same when it is done twice.
 */
export class Duty {
  readonly #node: string;
  #onDuty = false;
  #seen: { readonly sequence: number; readonly sinceMs: number } | undefined;

  constructor(node: string) {
    this.#node = node;
  }

  get onDuty(): boolean {
    return this.#onDuty;
  }

  /** @returns whether to write the next canary, after this one. */
  observe(canary: SeenCanary | undefined, nowMs: number): boolean {
    if (!canary || canary.node === this.#node) return true;
    if (canary.sequence !== this.#seen?.sequence) {
      this.#seen = { sequence: canary.sequence, sinceMs: nowMs };
      this.#onDuty = false;
    }
    return nowMs - this.#seen.sinceMs >= silenceMs;
  }

  /** The canary was stored, or somebody else's was. */
  written(stored: boolean): void {
    this.#onDuty = stored;
  }
}
