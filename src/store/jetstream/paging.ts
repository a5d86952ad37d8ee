import type { Source } from './freshness.ts';

interface Waiting {
  enter(): void;
}

export interface PagingLimits {
  readonly atOnce: number;
  /** Of one page, and one message more. */
  readonly bytes: number;
}

/**
 * What an answer over the same connection may have to wait behind. The hub is far: it is asked for more
 * at once, since each page takes two ways there and back.
 */
export const pagingLimits = {
  mirror: { atOnce: 1, bytes: 128 * 1024 },
  hub: { atOnce: 4, bytes: 1024 * 1024 },
} as const satisfies Readonly<Record<Source, PagingLimits>>;

/**
 * Turns of those who read pages over one connection: so many at once; the others wait, and begin in
 * the order in which they came. Each turn is one page, so who has many lets the others in between.
 */
export class Paging {
  readonly bytes: number;
  readonly #atOnce: number;
  readonly #waiting = new Set<Waiting>();
  #taken = 0;

  constructor({ atOnce, bytes }: PagingLimits) {
    this.#atOnce = atOnce;
    this.bytes = bytes;
  }

  /** @returns `undefined`: the signal aborted before its turn came. */
  async turn<T>(signal: AbortSignal, page: () => Promise<T>): Promise<T | undefined> {
    if (this.#taken < this.#atOnce) this.#taken++;
    else if (!(await this.#wait(signal))) return undefined;
    try {
      return signal.aborted ? undefined : await page();
    } finally {
      this.#passOn();
    }
  }

  /** Whether its turn came. */
  async #wait(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting = { enter: () => resolve(true) };
    const leave = () => resolve(!this.#waiting.delete(waiting));
    this.#waiting.add(waiting);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #passOn(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#taken--;
      return;
    }
    this.#waiting.delete(next);
    next.enter();
  }
}
