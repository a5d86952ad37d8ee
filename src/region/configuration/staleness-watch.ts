import type { Clock, Timer } from '../../base/clock.ts';
import type { Config } from '../../config/schema/config.ts';
import { judgeStaleness } from './staleness.ts';

const lookMs = 1_000;

export interface StalenessWatchOptions {
  readonly clock: Clock;
  readonly rule: () => Config['staleness'];
  readonly staleForMs: () => number | undefined;
  /** The node begins to leave clients to others, or takes that back. */
  readonly onWithdraw: () => void;
}

/** Looks once a second whether the node still knows that what it runs is current. */
export class StalenessWatch {
  readonly #options: StalenessWatchOptions;
  readonly #startedMs: number;
  #timer: Timer | undefined;
  #withdrawn = false;

  constructor(options: StalenessWatchOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonicMs();
    this.#schedule();
  }

  get withdrawn(): boolean {
    return this.#withdrawn;
  }

  /** Why the node counts as stale, a sentence; `undefined`: it does not. */
  get trouble(): string | undefined {
    return this.#judge().reason;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #judge() {
    const { clock, rule, staleForMs } = this.#options;
    return judgeStaleness(rule(), staleForMs(), clock.monotonicMs() - this.#startedMs);
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(lookMs, () => {
      this.#schedule();
      const { withdraw } = this.#judge();
      if (withdraw === this.#withdrawn) return;
      this.#withdrawn = withdraw;
      this.#options.onWithdraw();
    });
  }
}
