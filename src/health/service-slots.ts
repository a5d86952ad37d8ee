/**
 * Live requests per service, counted over all gateway threads of a node, in shared memory.
 * Each thread's part stands beside the sum, so that what a thread held can be given back
 * when it dies.
 *
 *   ┌ sum ─────────┬ thread 0 ────┬ thread 1 ────┬ … ┬ waiting in thread 0 ┬ …
 *   │ per service  │ per service  │ per service  │   │ per service         │
 *   └──────────────┴──────────────┴──────────────┴ … ┴─────────────────────┴ …
 */
export class ServiceSlots {
  readonly #words: Int32Array;
  readonly #services: number;
  readonly #threads: number;

  static bytes(services: number, threads: number): number {
    return services * (2 * threads + 1) * 4;
  }

  constructor(buffer: SharedArrayBuffer, offset: number, services: number, threads: number) {
    this.#words = new Int32Array(buffer, offset, services * (2 * threads + 1));
    this.#services = services;
    this.#threads = threads;
  }

  live(service: number): number {
    return Atomics.load(this.#words, service);
  }

  /** Takes a slot unless `maximum` are taken: never more, however many threads ask at once. */
  take(service: number, thread: number, maximum: number): boolean {
    for (;;) {
      const live = this.live(service);
      if (live >= maximum) return false;
      if (Atomics.compareExchange(this.#words, service, live, live + 1) === live) break;
    }
    Atomics.add(this.#words, this.#column(thread) + service, 1);
    return true;
  }

  give(service: number, thread: number): void {
    Atomics.sub(this.#words, this.#column(thread) + service, 1);
    Atomics.sub(this.#words, service, 1);
  }

  /** So many requests wait in a thread. */
  setWaiting(service: number, thread: number, count: number): void {
    Atomics.store(this.#words, this.#waitingColumn(thread) + service, count);
  }

  /** Whether requests wait in another thread that has less than its part, while this one has all of it. */
  owes(service: number, thread: number, maximum: number): boolean {
    const least = maximum / this.#threads;
    if (Atomics.load(this.#words, this.#column(thread) + service) < least) return false;
    for (let other = 0; other < this.#threads; other++) {
      if (Atomics.load(this.#words, this.#waitingColumn(other) + service) === 0) continue;
      if (Atomics.load(this.#words, this.#column(other) + service) < least) return true;
    }
    return false;
  }

  /** A thread has died. */
  clearThread(thread: number): void {
    for (let service = 0; service < this.#services; service++) {
      const held = Atomics.exchange(this.#words, this.#column(thread) + service, 0);
      if (held !== 0) Atomics.sub(this.#words, service, held);
      this.setWaiting(service, thread, 0);
    }
  }

  #waitingColumn(thread: number): number {
    return this.#column(thread) + this.#services * this.#threads;
  }

  #column(thread: number): number {
    return this.#services * (1 + (thread % this.#threads));
  }
}
