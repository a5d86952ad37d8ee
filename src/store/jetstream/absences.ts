import { isStoreError } from '../errors.ts';
import { Barrier } from './barrier.ts';
import { sleep } from './sleep.ts';

/** Assertions under way at a time, of all keys. */
const slotCount = 16;
/** After an assertion its key rests for so many times what that took, at most for `restMostMs`. */
const restFactor = 4;
const restMostMs = 250;

export interface AbsencesOptions {
  readonly closing: AbortSignal;
  /**
   * A write beside the keys that is confirmed only where the key has no message.
   * @param slot of those that are under way each has another.
   * @throws {StoreError} `revision_mismatch`: it has one.
   */
  assertAbsent(key: string, slot: number): Promise<number>;
  /** @throws {StoreError} `no_quorum` when that is not soon enough. */
  inTime<T>(promise: Promise<T>, deadlineMs: number): Promise<T>;
}

/**
 * Asserts that keys have no message. One assertion serves all who ask for the same key before it is
 * sent. While it is on its way the leader takes no write of the key, so a key rests after it: whoever
 * asks again and again leaves most of the time to those who write.
 */
export class Absences {
  readonly #options: AbsencesOptions;
  readonly #assertions = new Map<string, { readonly turns: Barrier; users: number }>();
  readonly #resting = new Map<string, Promise<void>>();
  readonly #slots = Array.from({ length: slotCount }, (_, slot) => slot);
  readonly #waiting: ((slot: number) => void)[] = [];

  constructor(options: AbsencesOptions) {
    this.#options = options;
  }

  /** Whether the key had no message at a moment after this call. @throws {StoreError} */
  async has(key: string, deadlineMs: number): Promise<boolean> {
    const { closing, inTime } = this.#options;
    const assertion = this.#assertions.get(key) ?? {
      turns: new Barrier(closing, () => this.#assert(key)),
      users: 0,
    };
    assertion.users += 1;
    this.#assertions.set(key, assertion);
    try {
      await inTime(assertion.turns.pass(), deadlineMs);
      return true;
    } catch (error) {
      if (!isStoreError(error, 'revision_mismatch')) throw error;
      return false;
    } finally {
      assertion.users -= 1;
      if (assertion.users === 0) this.#assertions.delete(key);
    }
  }

  async #assert(key: string): Promise<number> {
    await this.#resting.get(key);
    const slot = this.#slots.pop() ?? (await new Promise<number>((go) => this.#waiting.push(go)));
    const startedMs = performance.now();
    try {
      return await this.#options.assertAbsent(key, slot);
    } finally {
      this.#rest(key, performance.now() - startedMs);
      const next = this.#waiting.shift();
      if (next) next(slot);
      else this.#slots.push(slot);
    }
  }

  #rest(key: string, tookMs: number): void {
    const rest = sleep(Math.min(restFactor * tookMs, restMostMs), this.#options.closing);
    this.#resting.set(key, rest);
    void rest.then(() => {
      if (this.#resting.get(key) === rest) this.#resting.delete(key);
    });
  }
}
