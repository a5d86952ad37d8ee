import type { Clock, Timer } from '../../base/clock.ts';
import type { OutsideStatus } from '../../dns/outside/outside-status.ts';

const lookMs = 1_000;

/**
 * Tells the main thread what a name server knows of names outside of its zones, when that has
 * changed. Looked at each second, since what is known also ages by itself; at most 1,000 names.
 */
export class OutsideReports {
  readonly #look: () => readonly OutsideStatus[];
  readonly #pass: (names: readonly OutsideStatus[]) => void;
  readonly #clock: Clock;
  #passed = '[]';
  #timer: Timer | undefined;

  constructor(
    look: () => readonly OutsideStatus[],
    pass: (names: readonly OutsideStatus[]) => void,
    clock: Clock,
  ) {
    this.#look = look;
    this.#pass = pass;
    this.#clock = clock;
    this.#schedule();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer = this.#clock.after(lookMs, () => {
      const names = this.#look();
      const text = JSON.stringify(names);
      if (text !== this.#passed) this.#pass(names);
      this.#passed = text;
      this.#schedule();
    });
  }
}
