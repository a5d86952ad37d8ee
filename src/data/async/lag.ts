import { type Canary, canaryEveryMs, type Echo } from './canary.ts';

/** Own canaries of which an echo may still come. */
const remembered = 128;

/**
 * How far behind another region is seen, from canaries alone: no clock of another machine is
 * compared with the own one. Times are monotonic milliseconds, passed in.
 *
 *   here    n=7 ───────────╮               ╭──▶ m=4, which says "7, held 300 ms"
 *   there                  ╰─▶ 7 ... 300 ms ─── m=4
 *           ├────────────── 480 ms ────────┤      both ways took 180 ms: one took about 90
 *
 *   lag = half of what both ways took + how long the next canary has been overdue
 */
export class Lag {
  readonly #sentAtMs = new Map<number, number>();
  #bothWaysMs: number | undefined;
  #newest: { readonly number: number; readonly atMs: number } | undefined;

  /** An own canary was stored. */
  sent(number: number, nowMs: number): void {
    this.#sentAtMs.set(number, nowMs);
    const [oldest] = this.#sentAtMs.keys();
    if (this.#sentAtMs.size > remembered && oldest !== undefined) this.#sentAtMs.delete(oldest);
  }

  /** A canary of the other region, and all that it wrote before, is here. */
  arrived({ number, echoes }: Canary, ownRegion: string, nowMs: number): void {
    this.#newest = { number, atMs: nowMs };
    const echo = echoes.get(ownRegion);
    const sentAtMs = echo && this.#sentAtMs.get(echo.number);
    if (!echo || sentAtMs === undefined) return;
    this.#bothWaysMs = Math.max(0, nowMs - sentAtMs - echo.heldMs);
  }

  /** For the next own canary. */
  echo(nowMs: number): Echo | undefined {
    const newest = this.#newest;
    return newest && { number: newest.number, heldMs: Math.round(nowMs - newest.atMs) };
  }

  /** `undefined` before the other region answered: what came may be of long ago. */
  lagMs(nowMs: number): number | undefined {
    if (this.#bothWaysMs === undefined || !this.#newest) return undefined;
    const overdueMs = Math.max(0, nowMs - this.#newest.atMs - 1.5 * canaryEveryMs);
    return Math.round(this.#bothWaysMs / 2 + overdueMs);
  }
}
