import { resolvesWithin } from './sleep.ts';

/** While one is not answered, the next is sent after this time. */
const everyMs = 100;

/**
 * Barriers of a bucket: small writes to its stream, confirmed by a majority, that prove where
 * its end is. One serves all who asked before it was sent (group commit):
 *
 *   asked   a  b c     d          e
 *   sent    1────────▶confirmed   3──…         a has barrier 1; b, c and d have barrier 2
 *                  2──────────▶confirmed       (sent when 1 is confirmed, or after 100 ms)
 *
 * Why a read behind a barrier is linearizable, where all writes are: the stream is one
 * sequence, agreed on by a majority. Let B be the barrier's place in it.
 *
 * - *It sees what was confirmed before it was called.* Such a write has its place before any
 *   write that is sent later: before B. Who has B has all that is before it: the copies of the
 *   hub take the sequence in its order and have nothing of it that a majority has not agreed on.
 *   The read takes key and barrier from one copy at one moment. No mirror will do: what it has
 *   yet to take comes without what was superseded meanwhile, so it may have B, and of a key
 *   neither the last write before B nor the one after B that this gave way to.
 *   A copy of the hub that was away for long is sent a snapshot in place of the log. What is not in
 *   that it drops first, and what it lacks then comes like a mirror's. So what it shows together with B
 *   is in the snapshot, which was taken behind B, or came later: it is right. But a key that it does
 *   not show may have been written. So of such a key it is asserted: by a write beside the keys that
 *   the leader only takes where the key has no message (`assertAbsent`), and a majority confirms.
 * - *It sees nothing that a later read does not see.* What it sees lies before some place S
 *   that existed when it ended. A later read's barrier is sent after that and has a place
 *   behind S.
 * - So reads can be put into the sequence: each behind the last write that it saw, or behind B
 *   where that is later. That order keeps to real time, and each read gives what the writes
 *   before it left.
 *
 * A barrier that is sent again within its limit (it has a message id) was first sent later
 * than all who wait for it asked; whichever sending is answered, its place is after that.
 * What does not hold it up: a leader that lost its office cannot confirm a barrier.
 *
 * With an age (`ttl`) the end of a value is no write, each copy finds it by its own clock: two
 * strong reads around that moment may differ by what the clocks of the servers do.
 */
export class Barrier {
  readonly #send: () => Promise<number>;
  readonly #closing: AbortSignal;
  /** Sent, and not answered yet. */
  #underWay: Promise<unknown> | undefined;
  /** Not sent yet. */
  #next: Promise<number> | undefined;

  constructor(closing: AbortSignal, send: () => Promise<number>) {
    this.#closing = closing;
    this.#send = send;
  }

  /** The revision of a barrier that is sent after this call. @throws {StoreError} */
  pass(): Promise<number> {
    if (this.#next) return this.#next;
    if (!this.#underWay) return this.#start();
    const turn = resolvesWithin(this.#underWay, everyMs, this.#closing);
    this.#next = turn.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  #start(): Promise<number> {
    const barrier = this.#send();
    this.#underWay = barrier;
    const end = () => {
      if (this.#underWay === barrier) this.#underWay = undefined;
    };
    barrier.then(end, end);
    return barrier;
  }
}
