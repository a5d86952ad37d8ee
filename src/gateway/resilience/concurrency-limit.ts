import { Deadline, type DeadlineOwner, type DeadlineWheel } from '../deadline-wheel.ts';

/** Counts live requests over all threads. `ServiceSlots` of the health table is one. */
export interface Slots {
  /** Takes one, unless `maximum` are taken. */
  take(maximum: number): boolean;
  give(): void;
}

/** A request that waits for a place. */
export interface Waiter {
  /** It has its place. */
  onPlace(): void;
  /** It has waited too long. */
  onNoPlace(): void;
}

export interface ConcurrencyOptions {
  readonly maximum: number;
  /** How many may wait, in this thread. */
  readonly queue: number;
  readonly queueTimeoutMs: number;
}

class Waiting implements DeadlineOwner {
  readonly waiter: Waiter;
  readonly #limit: ConcurrencyLimit;
  readonly #deadline: Deadline;

  constructor(limit: ConcurrencyLimit, waiter: Waiter, wheel: DeadlineWheel, timeoutMs: number) {
    this.waiter = waiter;
    this.#limit = limit;
    this.#deadline = new Deadline(wheel, this);
    this.#deadline.set(timeoutMs);
  }

  close(): void {
    this.#deadline.close();
  }

  onDeadline(): void {
    if (this.#limit.cancel(this.waiter)) this.waiter.onNoPlace();
  }
}

/**
 * The live requests of a service, over all threads of the node, with a short queue in each
 * thread: first come, first served.
 *
 *   enter ──▶ place ──▶ leave ─▶ the first that waits here, else a free place for all
 *     │ none        ▲
 *     ▼             │ a place of another thread became free: seen by `poll`
 *   queue ──────────┘
 *     │ full, or waited too long
 *     ▼
 *   refused
 */
export class ConcurrencyLimit {
  readonly #slots: Slots;
  readonly #options: ConcurrencyOptions;
  readonly #wheel: DeadlineWheel;
  readonly #queue: Waiting[] = [];

  constructor(slots: Slots, options: ConcurrencyOptions, wheel: DeadlineWheel) {
    this.#slots = slots;
    this.#options = options;
    this.#wheel = wheel;
  }

  /** `entered`: one `leave` follows. `waiting`: one of the waiter's calls, or `cancel`. */
  enter(waiter: Waiter): 'entered' | 'waiting' | 'full' {
    const { maximum, queue, queueTimeoutMs } = this.#options;
    if (this.#queue.length === 0 && this.#slots.take(maximum)) return 'entered';
    if (this.#queue.length >= queue) return 'full';
    this.#queue.push(new Waiting(this, waiter, this.#wheel, queueTimeoutMs));
    return 'waiting';
  }

  /** A request that had a place has ended. */
  leave(): void {
    const next = this.#queue.shift();
    if (!next) {
      this.#slots.give();
      return;
    }
    next.close();
    next.waiter.onPlace();
  }

  /** It waits no more. False: it did not. */
  cancel(waiter: Waiter): boolean {
    const at = this.#queue.findIndex((waiting) => waiting.waiter === waiter);
    if (at === -1) return false;
    this.#queue.splice(at, 1)[0]!.close();
    return true;
  }

  /** Lets in who waits where other threads have made room. To be called now and then. */
  poll(): void {
    while (this.#queue.length > 0 && this.#slots.take(this.#options.maximum)) {
      const next = this.#queue.shift()!;
      next.close();
      next.waiter.onPlace();
    }
  }
}
