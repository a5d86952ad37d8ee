/** A barrier (`barrier.ts`) that was asked for at that time of `performance.now()`. */
export interface Mark {
  readonly revision: number;
  readonly askedAtMs: number;
}

/** Barriers that are waited for; of more, the newest. */
const marksMost = 64;

/**
 * What a consumer that follows the region's mirror may conclude from barriers that come by. Pure.
 *
 * A barrier alone proves nothing: the stream keeps one message for each key, so a mirror that
 * catches up is sent what it lacks without what was superseded meanwhile, and so is a consumer of
 * the mirror. Here `k@57` gave way to `k@73` before the mirror was sent it:
 *
 *   hub      k@12 …             56  k@57  58 … b@65 …          k@73
 *   mirror   k@12 …             56    ·   58 … b@65             not yet: it has the barrier, and k@12
 *                                     ▲
 *                                  a hole in what is told
 *
 * But what is left out leaves a hole, and what it gave way to was stored before the message behind
 * the hole was sent: so before the hole was seen, and before any barrier that was asked for later.
 * Hence: a barrier that was asked for after the last hole was seen, and has come by with no further one,
 * has all before it. Where following begins, all before may be full of holes.
 *
 *   begin ── told ── told ── hole ── told ── told ── told ──▶
 *             asked ──────────────────▶ b      proves nothing
 *                              asked ───────────▶ b   proves all that was confirmed before `asked`
 */
export class ToldBarriers {
  readonly #isBehind: (barrier: number, place: number) => boolean;
  #marks: Mark[] = [];
  #sequence = 0;
  #holeAtMs = Number.POSITIVE_INFINITY;
  /** Of the last barrier of the own node that was told; all up to there was. */
  #place = 0;

  /** @param isBehind as of `NewestBarrier`. */
  constructor(isBehind: (barrier: number, place: number) => boolean) {
    this.#isBehind = isBehind;
  }

  /** Following begins behind `sequence`, which the mirror had before `nowMs`. */
  begin(sequence: number, nowMs: number): void {
    this.#marks = [];
    this.#sequence = sequence;
    this.#holeAtMs = nowMs;
    this.#place = 0;
  }

  /** @returns what is proved by it: the barrier that was asked for last. */
  told(sequence: number, isBarrier: boolean, nowMs: number): Mark | undefined {
    if (sequence !== this.#sequence + 1) this.#holeAtMs = nowMs;
    this.#sequence = sequence;
    if (!isBarrier) return undefined;
    this.#place = sequence;
    return this.#proved();
  }

  /** A barrier was confirmed; it may have been told before. @returns as `told`. */
  confirmed(mark: Mark): Mark | undefined {
    this.#marks.push(mark);
    if (this.#marks.length > marksMost) this.#marks.shift();
    return this.#proved();
  }

  #proved(): Mark | undefined {
    let newest: Mark | undefined;
    this.#marks = this.#marks.filter((mark) => {
      if (!this.#isBehind(mark.revision, this.#place)) return true;
      const isProof = mark.askedAtMs > this.#holeAtMs;
      if (isProof && mark.askedAtMs > (newest?.askedAtMs ?? 0)) newest = mark;
      return false;
    });
    return newest;
  }
}
