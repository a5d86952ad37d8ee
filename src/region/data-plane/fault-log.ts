import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';

const intervalMs = 1_000;

/**
 * Tells of faults that any query may repeat: the first at once, then once a second the last
 * one with the number of those since. None goes uncounted, and no client can fill the log.
 */
export class FaultLog {
  readonly #report: (message: string) => void;
  readonly #clock: Clock;
  #waiting = false;
  #untold = 0;
  #last = '';

  constructor(report: (message: string) => void, clock: Clock) {
    this.#report = report;
    this.#clock = clock;
  }

  fault(error: unknown): void {
    this.#last = messageOf(error);
    this.#untold++;
    if (!this.#waiting) this.#tell();
  }

  #tell(): void {
    const times = this.#untold > 1 ? ` (${this.#untold} times)` : '';
    this.#report(`${this.#last}${times}`);
    this.#untold = 0;
    this.#waiting = true;
    this.#clock.after(intervalMs, () => {
      this.#waiting = false;
      if (this.#untold > 0) this.#tell();
    });
  }
}
