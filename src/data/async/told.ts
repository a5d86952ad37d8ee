import type { Canary } from './canary.ts';
import { atLeast, atMost } from './lag.ts';

/** Looks that may still tell when a canary was made. */
const remembered = 4;

interface Look {
  readonly startedAtMs: number;
  /** Of the newest canary then. */
  readonly sequence: number;
}

/**
 * Up to which moment all that other regions acknowledged is here, as the own region's node on
 * duty tells in its canaries: for the nodes that are not. Times are monotonic milliseconds of
 * this node; the canary has durations only.
 *
 *   this node     look: a is the newest ············ look: c is there
 *   log           ─ a ───────────────── b ──────────── c
 *   on duty                               ├ knownMs ┤
 *                 └ so b came after that look, and c was made `knownMs` after b or later
 */
export class Told {
  #looks: Look[] = [];
  readonly #throughMs = new Map<string, number>();

  /** By region; those are missing of which it is not known. */
  get throughMs(): ReadonlyMap<string, number> {
    return this.#throughMs;
  }

  /** The newest canary of the own region, by a read that began at `startedAtMs`. */
  read(sequence: number, canary: Canary | undefined, startedAtMs: number, nowMs: number): void {
    const before = this.#looks.at(-1);
    if (before && sequence < before.sequence) this.forget();
    if (canary && sequence !== before?.sequence) this.#take(canary, nowMs);
    if (this.#looks.at(-1)?.sequence === sequence) this.#looks.pop();
    this.#looks.push({ startedAtMs, sequence });
    if (this.#looks.length > remembered) this.#looks.shift();
  }

  /** The own log was lost: what was here may be gone. */
  forget(): void {
    this.#looks = [];
    this.#throughMs.clear();
  }

  #take({ previous, agesMs }: Canary, nowMs: number): void {
    const look = previous && this.#looks.findLast(({ sequence }) => sequence < previous.sequence);
    if (!look) return;
    const madeAtMs = Math.min(nowMs, look.startedAtMs + atLeast(previous.knownMs));
    for (const [region, ageMs] of agesMs) {
      const throughMs = madeAtMs - atMost(ageMs);
      const known = this.#throughMs.get(region) ?? throughMs;
      this.#throughMs.set(region, Math.max(known, throughMs));
    }
  }
}
