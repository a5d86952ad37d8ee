import type { Canary, Echo } from './canary.ts';

/** Own canaries of which a first echo may still come. */
const remembered = 128;

/**
 * By how much two clocks that are disciplined by NTP may differ over a time that each measures:
 * 500 ppm each way is the most that a kernel slews.
 */
const drift = 1e-3;

/** Of a time that another machine measured, what has passed here at least. */
export function atLeast(durationMs: number): number {
  return durationMs * (1 - drift);
}

/** Of a time that another machine measured, what has passed here at most. */
export function atMost(durationMs: number): number {
  return durationMs * (1 + drift);
}

/**
 * Up to which moment all that another region acknowledged is here: proved by canaries alone.
 * No clock of another machine is compared with the own one. Times are monotonic milliseconds,
 * passed in.
 *
 *   here    a sent ──────────╮                              ╭──▶ b, and all before it, is here
 *   there                    ╰─▶ a came ··· heldMs ··· b made ─▶ b stored
 *           ├─ at least heldMs ─┤
 *                               └ throughMs: no later than b was made
 *
 * What the other region acknowledged by then it had stored before `b`, so it is here with it.
 */
export class Lag {
  readonly #sentAtMs = new Map<string, number>();
  #echoed: { readonly id: string; readonly sentAtMs: number } | undefined;
  #heard: (Pick<Echo, 'number' | 'id'> & { readonly atMs: number }) | undefined;
  #throughMs: number | undefined;

  /** An own canary was stored; it was made at that time. */
  sent(id: string, madeAtMs: number): void {
    this.#sentAtMs.set(id, madeAtMs);
    const [oldest] = this.#sentAtMs.keys();
    if (this.#sentAtMs.size > remembered && oldest !== undefined) this.#sentAtMs.delete(oldest);
  }

  /** A canary of the other region came. */
  heard({ number, id }: Canary, nowMs: number): void {
    this.#heard = { number, id, atMs: nowMs };
  }

  /** All that the other region had stored before the canary is here. */
  complete({ echoes }: Canary, ownRegion: string, nowMs: number): void {
    const echo = echoes.get(ownRegion);
    const sentAtMs = echo?.id === undefined ? undefined : this.#sentAtMsOf(echo.id);
    if (!echo || sentAtMs === undefined) return;
    const throughMs = Math.min(nowMs, sentAtMs + atLeast(echo.heldMs));
    this.#throughMs = Math.max(this.#throughMs ?? throughMs, throughMs);
  }

  /** The own log was lost: what was here may be gone. */
  forget(): void {
    this.#throughMs = undefined;
  }

  /** For the next own canary. */
  echo(nowMs: number): Echo | undefined {
    if (!this.#heard) return undefined;
    const { atMs, ...heard } = this.#heard;
    return { ...heard, heldMs: Math.floor(nowMs - atMs) };
  }

  /** `undefined` before the other region answered: what came may be of long ago. */
  get throughMs(): number | undefined {
    return this.#throughMs;
  }

  /** The one that was echoed last is kept for longer: the way there alone may be cut. */
  #sentAtMsOf(id: string): number | undefined {
    const sentAtMs = this.#sentAtMs.get(id);
    if (sentAtMs !== undefined) this.#echoed = { id, sentAtMs };
    return this.#echoed?.id === id ? this.#echoed.sentAtMs : undefined;
  }
}
