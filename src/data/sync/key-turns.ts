/**
 * Operations on one key, one after the other, in the order in which they came: those of one node need
 * not refuse each other. Other keys do not wait.
 */
export class KeyTurns {
  /** By key, the end of the last operation. */
  readonly #last = new Map<string, Promise<unknown>>();

  async take<T>(key: string, operation: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const own = before ? before.then(operation) : operation();
    const ended = own.then(ignore, ignore);
    this.#last.set(key, ended);
    try {
      return await own;
    } finally {
      if (this.#last.get(key) === ended) this.#last.delete(key);
    }
  }

  /** Keys that somebody is at. */
  get size(): number {
    return this.#last.size;
  }
}

function ignore(): void {}
