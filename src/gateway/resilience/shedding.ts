import type { Priority } from '../../config/schema/resilience.ts';

/**
 * How long the event loop of a thread keeps things waiting, seen by a timer that is late. A
 * single pause (a revision is compiled, garbage is collected) is no overload: what counts is
 * the least of the last ticks.
 */
export class LagMeter {
  readonly #late = [0, 0, 0, 0];
  #at = 0;
  #lagMs = 0;
  #lastMs: number | undefined;

  /** To be called by an interval timer. */
  tick(nowMs: number, intervalMs: number): void {
    const late = this.#lastMs === undefined ? 0 : nowMs - this.#lastMs - intervalMs;
    this.#lastMs = nowMs;
    this.#late[this.#at] = Math.max(0, late);
    this.#at = (this.#at + 1) % this.#late.length;
    this.#lagMs = Math.min(...this.#late);
  }

  get lagMs(): number {
    return this.#lagMs;
  }
}

/** Multiples of the configured lag between which a priority is refused, more and more of it. */
const ramps: Readonly<Record<Priority, readonly [from: number, to: number]>> = {
  low: [1, 2],
  normal: [2, 4],
  high: [4, 8],
};

/**
 * Share of the requests of a priority to refuse at that lag:
 *
 *   1 ┤   low╭────normal╭──────────high╭────
 *     │      ╱         ╱             ╱
 *   0 ┼─────╱─────────╱─────────────╱────────▶ lag
 *           1×   2×      4×            8×
 */
export function shedShare(priority: Priority, lagMs: number, limitMs: number): number {
  const [from, to] = ramps[priority];
  return Math.min(1, Math.max(0, (lagMs / limitMs - from) / (to - from)));
}
