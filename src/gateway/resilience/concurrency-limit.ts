import { Deadline, type DeadlineOwner, type DeadlineWheel } from '../deadline-wheel.ts';

/** Counts live requests over all threads. `ServiceSlots` of the health table is one. */
export interface Slots {
  /** Takes one, unless `maximum` are taken. */
  take(maximum: number): boolean;
  give(): void;
  /** So many wait in this thread. */
  setWaiting(count: number): void;
  /** Another thread, where requests wait, has less than its part, and this one has all of its own. */
  owes(maximum: number): boolean;
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

/** Of two polls of ours another thread is sure to have one between. */
const cedePolls = 2;
/** A place is left to other threads no more often, since nobody uses it until they look. */
const cedeEveryPolls = 4;

/**
 * The live requests of a service, over all threads of the node, with a short queue in each
 * thread: first come, first served.
 *
 *   enter ──▶ place ──▶ leave ─▶ the first that waits here, else a free place for all
 *     │ none        ▲     └────▶ now and then: free for a thread that waits with less than its part
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
  /** In the order of their coming. */
  readonly #queue = new Map<Waiter, Waiting>();
  /** Never at its end while somebody waits: who was passed has left the queue, who comes is behind. */
  readonly #next = this.#queue.values();
  /** Places that were left and not handed on yet. */
  #left = 0;
  #handingOn = false;
  #polls = 0;
  #cededAt = Number.NEGATIVE_INFINITY;

  constructor(slots: Slots, options: ConcurrencyOptions, wheel: DeadlineWheel) {
    this.#slots = slots;
    this.#options = options;
    this.#wheel = wheel;
  }

  /** `entered`: one `leave` follows. `waiting`: one of the waiter's calls, or `cancel`. */
  enter(waiter: Waiter): 'entered' | 'waiting' | 'full' {
    const { maximum, queue, queueTimeoutMs } = this.#options;
    if (this.#queue.size === 0 && !this.#cedes && this.#slots.take(maximum)) return 'entered';
    if (this.#queue.size >= queue) return 'full';
    this.#queue.set(waiter, new Waiting(this, waiter, this.#wheel, queueTimeoutMs));
    this.#slots.setWaiting(this.#queue.size);
    return 'waiting';
  }

  /**
   * A request that had a place has ended. One that gets it may end at once, and the next one:
   * a loop here, since a queue of thousands would be too deep a recursion.
   */
  leave(): void {
    this.#left++;
    if (this.#handingOn) return;
    this.#handingOn = true;
    try {
      while (this.#left > 0) {
        this.#left--;
        if (this.#cede() || !this.#placeFirst()) this.#slots.give();
      }
    } finally {
      this.#handingOn = false;
    }
  }

  /** It waits no more. False: it did not. */
  cancel(waiter: Waiter): boolean {
    this.#queue.get(waiter)?.close();
    if (!this.#queue.delete(waiter)) return false;
    this.#slots.setWaiting(this.#queue.size);
    return true;
  }

  /** Lets in who waits where other threads have made room. To be called at the same interval by all. */
  poll(): void {
    this.#polls++;
    if (this.#cedes) return;
    while (this.#queue.size > 0 && this.#slots.take(this.#options.maximum)) this.#placeFirst();
  }

  /** The place that was left is for another thread. */
  get #cedes(): boolean {
    return this.#polls - this.#cededAt < cedePolls;
  }

  /** Whether the place is left to another thread: its queue would else get nothing while this one has one. */
  #cede(): boolean {
    if (this.#queue.size === 0 || this.#polls - this.#cededAt < cedeEveryPolls) return false;
    if (!this.#slots.owes(this.#options.maximum)) return false;
    this.#cededAt = this.#polls;
    return true;
  }

  /** The place is already taken for it. False: nobody waits. */
  #placeFirst(): boolean {
    if (this.#queue.size === 0) return false;
    const { waiter } = this.#next.next().value!;
    this.cancel(waiter);
    waiter.onPlace();
    return true;
  }
}
