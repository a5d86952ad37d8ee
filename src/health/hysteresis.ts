/** What an observer says of a target or of a subject. Where it says nothing: `undefined`. */
export type Verdict = 'up' | 'down';

export interface Thresholds {
  /** Failures that take the target down, even when interleaved with successes. */
  readonly failures: number;
  /** Successes in a row that forget earlier failures. */
  readonly resets: number;
  /** Successes in a row that bring the target up. */
  readonly recoveries: number;
}

/**
 * Damping of probe results for one target, by the rule of gdnsd (its `down_thresh`,
 * `ok_thresh` and `up_thresh`), except that at first nothing is known, and the first
 * verdict takes as much evidence as any other:
 *
 *                       failures, interleaved or not
 *         ┌──────────────────────────────────────────────────┐
 *     ┌───┴─────┐ recoveries in a row  ┌──────┐ failures   ┌─▼────┐
 *     │ unknown ├─────────────────────▶│  up  ├───────────▶│ down │
 *     └─────────┘                      └──────┘◀───────────┴──────┘
 *                                              recoveries in a row
 *
 * `resets` successes in a row set the count of failures back to zero.
 */
export class Hysteresis {
  readonly #thresholds: Thresholds;
  #verdict: Verdict | undefined;
  #failures = 0;
  #successesInRow = 0;

  constructor(thresholds: Thresholds) {
    this.#thresholds = thresholds;
  }

  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** Takes one result in. Returns true when the verdict changed. */
  record(ok: boolean): boolean {
    const before = this.#verdict;
    if (ok) this.#succeeded();
    else this.#failed();
    return this.#verdict !== before;
  }

  /** Back to unknown: what was counted is no evidence any more. */
  forget(): void {
    this.#verdict = undefined;
    this.#failures = 0;
    this.#successesInRow = 0;
  }

  #succeeded(): void {
    this.#successesInRow++;
    if (this.#successesInRow >= this.#thresholds.resets) this.#failures = 0;
    if (this.#verdict !== 'up' && this.#successesInRow >= this.#thresholds.recoveries) {
      this.#verdict = 'up';
      this.#failures = 0;
    }
  }

  #failed(): void {
    this.#successesInRow = 0;
    this.#failures++;
    if (this.#failures >= this.#thresholds.failures) this.#verdict = 'down';
  }
}
