/**
 * The place of the newest barrier of this node that was confirmed, in the life that the bucket
 * has now. A hub that is set back, or made anew, goes on from a lower place, while the copies of
 * before stand where they were, with barriers of before:
 *
 *   confirmed   … 998  1000 │ set back │  5   7              a mirror that shows a barrier at 1000
 *   newest        998  1000 │          │  5   7              is beyond the newest: of another life
 *
 * Pure.
 */
export class NewestBarrier {
  readonly epoch: string | undefined;
  #revision = 0;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;

  /** @param epoch names the life, where it has a name */
  constructor(epoch: string | undefined) {
    this.epoch = epoch;
  }

  /** A barrier sent at `sentAtMs` has this place. Answers may come in another order. */
  confirmed(revision: number, sentAtMs: number, nowMs: number): void {
    const isSetBack = revision < this.#revision && sentAtMs > this.#confirmedAtMs;
    if (revision <= this.#revision && !isSetBack) return;
    this.#revision = revision;
    this.#confirmedAtMs = nowMs;
  }

  /** Whether a copy whose last barrier of this node is at `place` has all before `barrier`. */
  isBehind(barrier: number, place: number): boolean {
    return barrier <= place && place <= this.#revision;
  }
}
