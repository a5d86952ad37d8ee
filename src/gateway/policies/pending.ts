import { Deadline, type DeadlineOwner, type DeadlineWheel } from '../deadline-wheel.ts';

/** What becomes of something waited for: one of the two is called, once. */
export interface PendingEvents<Value> {
  done(value: Value): void;
  /** It was rejected, or took too long. */
  failed(error: unknown): void;
}

/** Waits for policies that returned a promise, no longer than a limit. */
export class Pending<Value> implements DeadlineOwner {
  readonly #deadline: Deadline;
  #events: PendingEvents<Value> | undefined;

  constructor(
    wheel: DeadlineWheel,
    promise: Promise<Value>,
    limitMs: number,
    events: PendingEvents<Value>,
  ) {
    this.#events = events;
    this.#deadline = new Deadline(wheel, this);
    this.#deadline.set(limitMs);
    promise.then(
      (value) => this.#take()?.done(value),
      (error: unknown) => this.#take()?.failed(error),
    );
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#take();
  }

  onDeadline(): void {
    this.#take()?.failed(new Error('no answer in time'));
  }

  #take(): PendingEvents<Value> | undefined {
    const events = this.#events;
    this.#events = undefined;
    this.#deadline.close();
    return events;
  }
}
