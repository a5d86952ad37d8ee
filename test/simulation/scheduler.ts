interface Pending {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/**
 * The one source of time of a simulation: a binary heap of what is to happen, by time and
 * then by order of scheduling, so that a run depends on nothing but its seed.
 */
export class Scheduler {
  readonly #heap: Pending[] = [];
  #order = 0;
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const pending: Pending = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      run,
    };
    this.#push(pending);
    return {
      cancel: () => {
        pending.run = undefined;
      },
    };
  }

  /** Runs everything due in the next `ms`. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#heap[0]; next && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      if (!next.run) continue;
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = untilMs;
  }

  #push(pending: Pending): void {
    const heap = this.#heap;
    let at = heap.push(pending) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(pending, heap[parent] as Pending)) break;
      heap[at] = heap[parent] as Pending;
      at = parent;
    }
    heap[at] = pending;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Pending;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && before(heap[right] as Pending, heap[child] as Pending))
        child = right;
      if (!before(heap[child] as Pending, last)) break;
      heap[at] = heap[child] as Pending;
      at = child;
    }
    heap[at] = last;
  }
}

const before = (a: Pending, b: Pending): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
