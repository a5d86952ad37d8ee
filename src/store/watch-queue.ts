import type { Watch, WatchEvent } from './store.ts';

/**
 * What a watch has for a reader who has not asked yet. A later event of a key takes the
 * place of the earlier one, so a slow reader costs memory for the keys and not for their
 * changes. Marks divide generations: an event before a mark is never moved behind it, or
 * `caughtUp` would be said before all was delivered.
 *
 *   oldest ▶ [0:a r4] [0:c r7] [0: caughtUp] [1:a r9] [1:b r12] ◀ newest
 *                                             └── push(a r13) replaces this one, at the end
 */
export class WatchQueue implements Watch {
  readonly #events = new Map<string, WatchEvent>();
  readonly #onClose: () => void;
  #generation = 0;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  push(event: WatchEvent): void {
    if (this.#closed) return;
    const slot = `${this.#generation}:${event.type === 'caughtUp' ? '' : event.key}`;
    this.#events.delete(slot);
    this.#events.set(slot, event);
    if (event.type === 'caughtUp') this.#generation++;
    this.#wake?.();
  }

  /** Ends the iteration after what is already being handled. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.clear();
    this.#onClose();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void, undefined> {
    try {
      for (;;) {
        const [first] = this.#events;
        if (this.#closed) return;
        if (first) {
          this.#events.delete(first[0]);
          yield first[1];
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
}
