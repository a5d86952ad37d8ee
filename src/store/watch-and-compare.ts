import type { Clock, Timer } from '../base/clock.ts';
import type { Watch, WatchEvent } from './store.ts';

/** What is followed is asked for again after at most so long, whatever the watch said. */
export const compareIntervalMs = 5_000;
/** Share of the interval by which nodes differ, so that they do not ask in step. */
const jitter = 0.2;
const watchAgainMs = 500;

export interface WatchAndCompareOptions {
  readonly clock: Clock;
  watch(): Watch;
  /** What it throws ends the watch, which begins again. */
  onEvent(event: WatchEvent): void;
  /** Asks for what is there now. */
  compare(): Promise<void>;
  /** What any of the others threw. Must not throw. */
  onError(error: unknown): void;
  /** From 0 to below 1. */
  random?: (() => number) | undefined;
}

/**
 * Follows what stands in the store, in two ways at once, from `start` until `close`:
 *
 *   watch, begun again 0.5 s after it ends ──▶ onEvent   at once
 *   every 4 to 5 s ──────────────────────────▶ compare   what a watch that stopped in silence missed
 *
 * One comparison is over before the time to the next begins. Nothing is called after `close` but
 * the end of what was under way: whoever answers late looks at `closed`.
 */
export class WatchAndCompare {
  readonly #options: WatchAndCompareOptions;
  readonly #timers = new Map<'watch' | 'compare', Timer>();
  #watch: Watch | undefined;
  #closed = false;

  constructor(options: WatchAndCompareOptions) {
    this.#options = options;
  }

  get closed(): boolean {
    return this.#closed;
  }

  start(): void {
    void this.#follow();
    void this.#compare();
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
    for (const timer of this.#timers.values()) timer.cancel();
  }

  async #follow(): Promise<void> {
    try {
      this.#watch = this.#options.watch();
      for await (const event of this.#watch) {
        if (this.#closed) return;
        this.#hear(event);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#watch?.close();
    this.#again('watch', watchAgainMs, () => this.#follow());
  }

  /** What cannot be understood is told; what comes after it may be. */
  #hear(event: WatchEvent): void {
    try {
      this.#options.onEvent(event);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #compare(): Promise<void> {
    const { compare, random = Math.random } = this.#options;
    await compare().catch((error: unknown) => this.#fail(error));
    const intervalMs = compareIntervalMs * (1 - jitter * random());
    this.#again('compare', intervalMs, () => this.#compare());
  }

  #fail(error: unknown): void {
    if (!this.#closed) this.#options.onError(error);
  }

  #again(what: 'watch' | 'compare', delayMs: number, run: () => Promise<void>): void {
    if (this.#closed) return;
    this.#timers.set(
      what,
      this.#options.clock.after(delayMs, () => void run()),
    );
  }
}
