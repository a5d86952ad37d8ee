import { TimeoutError } from '@nats-io/transport-node';
import { isWorthAnotherTry, mayHaveBeenTaken } from './failures.ts';

/** How many sendings there are whose answers are listened for. */
export interface Listening {
  count: number;
}

/**
 * The sendings of one request: whichever is answered first decides, also when others were
 * sent after it. Over a long way an answer may well come after the request was sent again.
 */
export class Tries<T> {
  readonly #listening: Listening;
  readonly #decision = Promise.withResolvers<void>();
  #unanswered = 0;
  #taken = false;
  #outcome: { readonly value: T } | undefined;
  #refused = false;
  #error: unknown;

  /** @param listening where its sendings are counted, too. */
  constructor(listening: Listening) {
    this.#listening = listening;
  }

  /** Resolves with why this try failed, when another may not; never if it was answered. */
  send(answer: Promise<T>): Promise<unknown> {
    this.#unanswered++;
    this.#listening.count++;
    return new Promise((failed) => {
      answer.then(
        (value) => {
          this.#listening.count--;
          this.#outcome ??= { value };
          this.#decision.resolve();
        },
        (error: unknown) => {
          this.#unanswered--;
          this.#listening.count--;
          this.#taken ||= mayHaveBeenTaken(error);
          if (this.#refused) return;
          this.#error = error;
          if (isWorthAnotherTry(error)) return failed(error);
          this.#refused = true;
          this.#decision.resolve();
        },
      );
    });
  }

  /** Resolves when an answer says yes or no. */
  get decided(): Promise<void> {
    return this.#decision.promise;
  }

  get isRefused(): boolean {
    return this.#refused;
  }

  /** What was answered. */
  get outcome(): { readonly value: T } | undefined {
    return this.#outcome;
  }

  /** One of them may have been taken. */
  get taken(): boolean {
    return this.#taken || this.#unanswered > 0;
  }

  /** Why there is no outcome: the answer that says no, or how the last one failed. */
  get error(): unknown {
    if (this.#refused || this.#unanswered === 0) return this.#error;
    return new TimeoutError();
  }
}
