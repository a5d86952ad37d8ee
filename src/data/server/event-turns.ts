interface Waiting {
  readonly bytes: number;
  enter(): void;
}

/**
 * Shares the turns of the event loop among the watches. Where the kernel takes each event at once,
 * the next one would be written in the same turn, until no watch has any: so they are given so
 * many bytes in a turn, one event each, and whatever else came is heard between two turns.
 *
 *   turn 1   a1 b1 c1 │ enough          in the order in which they asked;
 *   turn 2   d1 a2 b2 │                 at least one event, however large
 *   turn 3   c2 d2 …
 */
export class EventTurns {
  readonly #bytesOfTurn: number;
  readonly #nextTurn: (begin: () => void) => void;
  readonly #waiting: Waiting[] = [];
  #left: number;
  #isAsked = false;

  /** @param nextTurn calls back when everything else had its turn */
  constructor(
    bytesOfTurn: number,
    nextTurn: (begin: () => void) => void = (begin) => void setImmediate(begin),
  ) {
    this.#bytesOfTurn = bytesOfTurn;
    this.#nextTurn = nextTurn;
    this.#left = bytesOfTurn;
  }

  /** Waited for, where there is something, before an event of so many bytes is written. */
  take(bytes: number): Promise<void> | undefined {
    if (this.#left > 0) {
      this.#spend(bytes);
      return undefined;
    }
    const turn = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, enter: turn.resolve });
    return turn.promise;
  }

  #spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#nextTurn(() => this.#begin());
  }

  #begin(): void {
    this.#isAsked = false;
    this.#left = this.#bytesOfTurn;
    while (this.#left > 0) {
      const first = this.#waiting.shift();
      if (!first) return;
      this.#spend(first.bytes);
      first.enter();
    }
  }
}
