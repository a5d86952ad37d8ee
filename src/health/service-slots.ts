/**
 * Live requests per service, counted over all gateway threads of a node, in shared memory.
 * Each thread's part stands beside the sum, so that what a thread held can be given back
 * when it dies.
 *
 *   ┌ sum ─────────┬ thread 0 ────┬ thread 1 ────┬ …
 *   │ per service  │ per service  │ per service  │
 *   └──────────────┴──────────────┴──────────────┴ …
 */
export class ServiceSlots {
  readonly #words: Int32Array;
  readonly #services: number;
  readonly #threads: number;

  static bytes(services: number, threads: number): number {
    return services * (threads + 1) * 4;
  }

  constructor(buffer: SharedArrayBuffer, offset: number, services: number, threads: number) {
    this.#words = new Int32Array(buffer, offset, services * (threads + 1));
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

  /** A thread has died. */
  clearThread(thread: number): void {
    for (let service = 0; service < this.#services; service++) {
      const held = Atomics.exchange(this.#words, this.#column(thread) + service, 0);
      if (held !== 0) Atomics.sub(this.#words, service, held);
    }
  }

  #column(thread: number): number {
    return this.#services * (1 + (thread % this.#threads));
  }
}
