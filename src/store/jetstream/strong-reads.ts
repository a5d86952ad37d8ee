import type { Records } from '../declared.ts';
import { storeError } from '../errors.ts';
import type { Absences } from './absences.ts';
import type { Asked } from './declared-options.ts';
import { sleep } from './sleep.ts';

const firstPauseMs = 2;
const longestPauseMs = 64;

export interface StrongReadsOptions {
  /** For messages. */
  readonly what: string;
  readonly closing: AbortSignal;
  readonly absences: Pick<Absences, 'has'>;
  /** The place of a barrier that is sent after this call. @throws {StoreError} */
  pass(deadlineMs: number): Promise<number>;
  /**
   * The keys in a copy of the hub, all at one moment: in the first that answers, of all that are asked
   * for so long. `undefined`: it lacks the barrier, or none did.
   */
  copyBehind(
    barrier: number,
    keys: readonly string[],
    deadlineMs: number,
  ): Promise<Asked | undefined>;
}

/**
 * Linearizable reads: a barrier, then the keys together with it from a copy of the hub that has it;
 * and of a key that has no message there, a write that only holds while it has none. Why that is
 * so: `barrier.ts`.
 */
export class StrongReads {
  readonly #options: StrongReadsOptions;

  constructor(options: StrongReadsOptions) {
    this.#options = options;
  }

  /** @throws {StoreError} `store_unreachable`, `no_quorum` */
  async read(keys: readonly string[], deadlineMs: number): Promise<Records> {
    return await this.#behindBarrier(keys, deadlineMs, (asked) =>
      this.#areAbsent(keys, asked, deadlineMs),
    );
  }

  /** What is found is as of `read`; what is not may be there nonetheless. @throws as `read` */
  async find(keys: readonly string[], deadlineMs: number): Promise<Records> {
    return await this.#behindBarrier(keys, deadlineMs, async () => true);
  }

  async #behindBarrier(
    keys: readonly string[],
    deadlineMs: number,
    isEnough: (asked: Asked) => Promise<boolean>,
  ): Promise<Records> {
    const { what, closing, pass, copyBehind } = this.#options;
    const startedMs = performance.now();
    const barrier = await pass(deadlineMs);
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const asked = await copyBehind(barrier, keys, deadlineMs);
      if (asked && (await isEnough(asked))) {
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
    const { absences } = this.#options;
    const missing = keys.filter((key) => !found.has(key));
    const absent = await Promise.all(missing.map((key) => absences.has(key, deadlineMs)));
    return absent.every((isSo) => isSo);
  }
}
