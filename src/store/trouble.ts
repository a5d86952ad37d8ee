import { messageOf } from '../base/errors.ts';
import { isStoreError } from './errors.ts';

/**
 * What is wrong with something that works on the store by itself: told when it changes, not each
 * time it is found. That the store is out of reach is told by the store, so it is none here.
 */
export class Trouble {
  readonly #onTrouble: ((message: string) => void) | undefined;
  #message: string | undefined;

  constructor(onTrouble: ((message: string) => void) | undefined) {
    this.#onTrouble = onTrouble;
  }

  /** At present. */
  get message(): string | undefined {
    return this.#message;
  }

  tell(message: string): void {
    if (message === this.#message) return;
    this.#message = message;
    this.#onTrouble?.(message);
  }

  /** @param what is said before the message of the error */
  tellError(error: unknown, what = ''): void {
    if (!isStoreError(error)) this.tell(what + messageOf(error));
  }

  clear(): void {
    this.#message = undefined;
  }
}
