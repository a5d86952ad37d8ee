import type { Records } from '../declared.ts';
import { isStoreError, storeError } from '../errors.ts';
import { Barrier } from './barrier.ts';
import type { Asked } from './declared-options.ts';
import { sleep } from './sleep.ts';

/** For one copy to answer; another may be asked after, and be given twice as long: it may be far. */
const copyAskedMs = 500;
const firstPauseMs = 2;
const longestPauseMs = 64;

export interface StrongReadsOptions {
  /** For messages. */
  readonly what: string;
  readonly closing: AbortSignal;
  /** The place of a barrier that is sent after this call. @throws {StoreError} */
  pass(deadlineMs: number): Promise<number>;
  /** The keys in a copy of the hub, all at one moment; `undefined`: it lacks the barrier. */
  copyBehind(barrier: number, keys: readonly string[], limitMs: number): Promise<Asked | undefined>;
  /**
   * A write beside the keys that is confirmed only where the key has no message.
   * @throws {StoreError} `revision_mismatch`: it has.
   */
  assertAbsent(key: string): Promise<number>;
  /** @throws {StoreError} `no_quorum` when that is not soon enough. */
  inTime<T>(promise: Promise<T>, deadlineMs: number): Promise<T>;
}

/**
 * Linearizable reads: a barrier, then the keys together with it from a copy of the hub that has it;
 * and of a key that has no message there, a write that only holds while it has none. Why that is
 * so: `barrier.ts`.
 */
export class StrongReads {
  readonly #options: StrongReadsOptions;
  /** By key; one serves all who ask for the same before it is sent. */
  readonly #absences = new Map<string, { readonly assertion: Barrier; users: number }>();

  constructor(options: StrongReadsOptions) {
    this.#options = options;
  }

  /** @throws {StoreError} `store_unreachable`, `no_quorum` */
  async read(keys: readonly string[], deadlineMs: number): Promise<Records> {
    const { what, closing, pass, copyBehind } = this.#options;
    const startedMs = performance.now();
    const barrier = await pass(deadlineMs);
    let askedMs = copyAskedMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const sentMs = performance.now();
      const asked = await copyBehind(barrier, keys, Math.min(deadlineMs, sentMs + askedMs));
      if (performance.now() >= sentMs + askedMs) askedMs = 2 * copyAskedMs;
      if (asked && (await this.#areAbsent(keys, asked, deadlineMs))) {
        return { found: asked.found, staleForMs: performance.now() - startedMs };
      }
      if (performance.now() + pauseMs >= deadlineMs) {
        const text = `${what}: no copy that can be reached has all that was confirmed`;
        throw storeError('store_unreachable', text);
      }
      await sleep(pauseMs, closing);
    }
  }

  /** Whether what was not found is not there. */
  async #areAbsent(keys: readonly string[], { found }: Asked, deadlineMs: number) {
    const missing = keys.filter((key) => !found.has(key));
    const absent = await Promise.all(missing.map((key) => this.#isAbsent(key, deadlineMs)));
    return absent.every((isSo) => isSo);
  }

  async #isAbsent(key: string, deadlineMs: number): Promise<boolean> {
    const { closing, assertAbsent, inTime } = this.#options;
    const absence = this.#absences.get(key) ?? {
      assertion: new Barrier(closing, () => assertAbsent(key)),
      users: 0,
    };
    absence.users += 1;
    this.#absences.set(key, absence);
    try {
      await inTime(absence.assertion.pass(), deadlineMs);
      return true;
    } catch (error) {
      if (!isStoreError(error, 'revision_mismatch')) throw error;
      return false;
    } finally {
      absence.users -= 1;
      if (absence.users === 0) this.#absences.delete(key);
    }
  }
}
