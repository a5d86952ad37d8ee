const slotCount = 1024;

/** Who is told that its deadline has passed. */
export interface DeadlineOwner {
  onDeadline(): void;
}

/**
 * Deadlines of all connections of a thread on one interval timer, in the manner of
 * Varghese and Lauck's hashed timing wheel, made lazy:
 *
 *   slot   0     1     2    …   1023          a Deadline is linked into the slot of
 *        ┌─────┬─────┬─────┬───┬─────┐        a tick no later than its own; moving it
 *        │ ●─● │     │  ●  │   │ ●   │        later, or off, only writes `atTick`. When
 *        └─────┴─────┴─────┴───┴─────┘        the hand meets it too early it is linked
 *           ▲ hand: now % 1024                again further on.
 *
 * So a request that sets and clears several limits costs a few stores. The wheel's time
 * stands still while the process does: after a pause (SIGSTOP, a long garbage collection)
 * it does not catch up, so what arrived meanwhile is read before anything expires.
 * A deadline is met between 0 and 1 tick late.
 */
export class DeadlineWheel {
  readonly tickMs: number;
  readonly #slots = new Array<Deadline | undefined>(slotCount).fill(undefined);
  #now = 1;
  #elapsedMs = 0;
  #lastMs: number | undefined;

  constructor(tickMs = 50) {
    this.tickMs = tickMs;
  }

  /** Current tick; deadlines compare with it. */
  get now(): number {
    return this.#now;
  }

  /** Moves the hand to monotonic time `nowMs`, at most two ticks a call; runs what is due. */
  advanceTo(nowMs: number): void {
    this.#elapsedMs += nowMs - (this.#lastMs ?? nowMs - this.tickMs);
    this.#lastMs = nowMs;
    this.#elapsedMs = Math.min(this.#elapsedMs, 2 * this.tickMs);
    while (this.#elapsedMs >= this.tickMs) {
      this.#elapsedMs -= this.tickMs;
      this.#advance();
    }
  }

  #advance(): void {
    const now = ++this.#now;
    const slot = now % slotCount;
    // Nothing links into the current slot (see `link`), so this ends.
    for (let due = this.#slots[slot]; due; due = this.#slots[slot]) {
      this.unlink(due);
      if (due.atTick === 0) continue;
      if (due.atTick > now) {
        this.link(due);
        continue;
      }
      due.atTick = 0;
      due.owner.onDeadline();
    }
  }

  /** For `Deadline` only. */
  link(deadline: Deadline): void {
    const tick = Math.min(deadline.atTick, this.#now + slotCount - 1);
    const slot = tick % slotCount;
    const next = this.#slots[slot];
    deadline.slotTick = tick;
    deadline.next = next;
    deadline.previous = undefined;
    if (next) next.previous = deadline;
    this.#slots[slot] = deadline;
  }

  /** For `Deadline` only. */
  unlink(deadline: Deadline): void {
    const { previous, next } = deadline;
    if (previous) previous.next = next;
    else this.#slots[deadline.slotTick % slotCount] = next;
    if (next) next.previous = previous;
    deadline.slotTick = 0;
    deadline.next = undefined;
    deadline.previous = undefined;
  }
}

/** One movable time limit. Off when made. */
export class Deadline {
  readonly owner: DeadlineOwner;
  readonly #wheel: DeadlineWheel;
  /** Due at this tick; 0: off. */
  atTick = 0;
  /** Tick of the slot it is linked into; 0: in none. */
  slotTick = 0;
  next: Deadline | undefined = undefined;
  previous: Deadline | undefined = undefined;

  constructor(wheel: DeadlineWheel, owner: DeadlineOwner) {
    this.#wheel = wheel;
    this.owner = owner;
  }

  /** Falls due in `delayMs`, in place of what was set. */
  set(delayMs: number): void {
    const wheel = this.#wheel;
    this.atTick = wheel.now + 1 + Math.ceil(delayMs / wheel.tickMs);
    if (this.slotTick !== 0) {
      if (this.slotTick <= this.atTick) return;
      wheel.unlink(this);
    }
    wheel.link(this);
  }

  clear(): void {
    this.atTick = 0;
  }

  /** Clears it and lets go of the owner at once. */
  close(): void {
    this.atTick = 0;
    if (this.slotTick !== 0) this.#wheel.unlink(this);
  }
}
