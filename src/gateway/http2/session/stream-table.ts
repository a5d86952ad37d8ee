import type { Stream } from './stream.ts';

/** Ids of streams that we reset lately: frames may still come that the peer sent before it knew. */
const remembered = 256;

export const maxStreamId = 2 ** 31 - 1;

/**
 * What a frame is to one that is not (or no longer) open:
 *
 * - `idle`: never begun
 * - `dropped`: we ended it, and the peer may not know yet: what comes is ignored
 * - `ended`: the peer knows that it has ended, or passed it over
 */
export type Absence = 'idle' | 'dropped' | 'ended';

/**
 * The open streams of a connection, and what is remembered of others. All are begun by the
 * client, with odd ids that grow; those that it passes over are closed (RFC 9113 section 5.1.1).
 *
 *   1  3  5  …    firstInRow … lastId │ lastId + 2 …
 *   ├─ begun, or ─┤├─ have begun ─────┤├─ idle
 *      passed over
 */
export class StreamTable {
  readonly #open = new Map<number, Stream>();
  readonly #dropped = new Set<number>();
  #firstInRow = 1;
  /** The highest that was dropped and is not remembered: up to here nobody can tell. */
  #forgotten = 0;
  /** The highest that has begun; 0: none. */
  lastId = 0;
  /** Ids from here on are not looked at: a GOAWAY said so. */
  #end = maxStreamId + 1;

  get size(): number {
    return this.#open.size;
  }

  get(id: number): Stream | undefined {
    return this.#open.get(id);
  }

  all(): Stream[] {
    return [...this.#open.values()];
  }

  /** `id` is above `lastId`. */
  begin(id: number, stream: Stream): void {
    this.skipTo(id);
    stream.id = id;
    this.#open.set(id, stream);
  }

  /** It began, and ended with that. */
  skipTo(id: number): void {
    if (id !== this.lastId + 2) this.#firstInRow = id;
    this.lastId = id;
  }

  /** @param byUs the peer may not know yet */
  remove(id: number, byUs: boolean): void {
    this.#open.delete(id);
    if (byUs) this.drop(id);
  }

  drop(id: number): void {
    this.#dropped.add(id);
    if (this.#dropped.size <= remembered) return;
    for (const oldest of this.#dropped) {
      this.#dropped.delete(oldest);
      this.#forgotten = Math.max(this.#forgotten, oldest);
      return;
    }
  }

  /** No stream begins any more; what comes on new ones is dropped. */
  close(): void {
    this.#end = this.lastId + 1;
  }

  /** Of one that `get` does not know. */
  absence(id: number): Absence {
    if (this.#dropped.has(id) || id >= this.#end) return 'dropped';
    if (id % 2 === 0 || id > this.lastId) return 'idle';
    return id <= this.#forgotten ? 'dropped' : 'ended';
  }

  /** Whether one that is not open may never have begun, and never will. */
  isPassedOver(id: number): boolean {
    return id < this.#firstInRow;
  }
}
