/** Of an event that waits, besides what it carries; measured roughly. */
const overheadBytes = 500;

/**
 * What a watch has for a reader who has not asked yet. A later event of a key takes the
 * place of the earlier one, so a slow reader costs memory for the keys and not for their
 * changes. Marks divide generations: an event before a mark is never moved behind it, or
 * `caughtUp` would be said before all was delivered.
 *
 *   oldest ▶ [0:a r4] [0:c r7] [0: caughtUp] [1:a r9] [1:b r12] ◀ newest
 *                                             └── push(a r13) replaces this one, at the end
 */
export class LatestQueue<T> implements AsyncIterable<T> {
  readonly #events = new Map<string, { readonly event: T; readonly bytes: number }>();
  readonly #onClose: () => void;
  readonly #roomBytes: number;
  #bytes = 0;
  #generation = 0;
  #closed = false;
  #failure: unknown;
  #wake: (() => void) | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  /** @param roomBytes with more than that waiting, `room` is not to be had. */
  constructor(onClose: () => void, roomBytes = Number.POSITIVE_INFINITY) {
    this.#onClose = onClose;
    this.#roomBytes = roomBytes;
  }

  /** @param key `undefined`: a mark. @param carriedBytes of key and value. */
  add(event: T, key: string | undefined, carriedBytes = 0): void {
    if (this.#closed) return;
    const bytes = carriedBytes + overheadBytes;
    const slot = `${this.#generation}:${key ?? ''}`;
    this.#take(slot);
    this.#events.set(slot, { event, bytes });
    this.#bytes += bytes;
    if (key === undefined) this.#generation++;
    this.#wake?.();
  }

  /** Resolves when the reader has taken enough: at once, mostly. */
  room(): Promise<void> | undefined {
    if (this.#bytes <= this.#roomBytes || this.#closed) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Ends the iteration after what is already being handled. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.clear();
    this.#room?.resolve();
    this.#onClose();
    this.#wake?.();
  }

  /** As `close`, and the reader gets the error. */
  fail(error: unknown): void {
    if (this.#closed) return;
    this.#failure = error;
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#closed) return;
        const [first] = this.#events.keys();
        const taken = first === undefined ? undefined : this.#take(first);
        if (taken) {
          yield taken.event;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
        }
      }
    } finally {
      this.close();
    }
  }

  #take(slot: string): { readonly event: T } | undefined {
    const found = this.#events.get(slot);
    if (!found) return undefined;
    this.#events.delete(slot);
    this.#bytes -= found.bytes;
    if (this.#room && this.#bytes <= this.#roomBytes) {
      this.#room.resolve();
      this.#room = undefined;
    }
    return found;
  }
}
