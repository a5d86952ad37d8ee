import type { Clock } from '../../base/clock.ts';

/** Of one zone, at most one is passed on in this time. */
const quietMs = 1_000;

/**
 * Passes on that zones have changed at their primaries. Anybody may forge that, in any number: the
 * first is passed on at once, those of the next second as one, from who was last.
 */
export class NotificationRelay {
  readonly #pass: (zone: string, source: string) => void;
  readonly #clock: Clock;
  /** By zone, from whom another one came meanwhile. */
  readonly #quiet = new Map<string, string | undefined>();

  constructor(pass: (zone: string, source: string) => void, clock: Clock) {
    this.#pass = pass;
    this.#clock = clock;
  }

  take(zone: string, source: string): void {
    if (this.#quiet.has(zone)) this.#quiet.set(zone, source);
    else this.#passOn(zone, source);
  }

  #passOn(zone: string, source: string): void {
    this.#quiet.set(zone, undefined);
    this.#pass(zone, source);
    this.#clock.after(quietMs, () => {
      const another = this.#quiet.get(zone);
      this.#quiet.delete(zone);
      if (another !== undefined) this.#passOn(zone, another);
    });
  }
}
