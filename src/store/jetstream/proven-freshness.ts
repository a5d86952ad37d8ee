import { sleep } from './sleep.ts';

const everyMs = { read: 1_000, idle: 3_500 } as const;
const jitter = 0.1;
/** A bucket counts as read for this time after somebody asked how old its mirror is. */
const readForMs = 10_000;
const proofLimitMs = 1_000;

/**
 * How old a mirror may be, proved by barriers (`barrier.ts`): when it has one, it has all that
 * was confirmed before that was asked for.
 *
 *   asked for at ──┐        the mirror has it ──┐
 *   ───────────────▼────────────────────────────▼──────────▶ now
 *                  └──────────── stale for at most ───────────┘
 *
 * What a mirror tells of itself would not do: one that has just found its origin again says
 * that it lags by nothing, before it heard of what it missed (nats-server 2.14.0: reads that
 * called themselves 1.6 s old, and were 2.3 s).
 *
 * Strong reads prove it by the way. Without them there is a barrier each second while the
 * bucket is read, and one each 3.5 s while it is not.
 */
export class ProvenFreshness {
  readonly ended: Promise<void>;
  readonly #prove: (deadlineMs: number) => Promise<unknown>;
  readonly #closing: AbortSignal;
  #provedAtMs = Number.NEGATIVE_INFINITY;
  #readAtMs = Number.NEGATIVE_INFINITY;

  /** @param prove has the mirror show a barrier by then, and calls `proved`. */
  constructor(closing: AbortSignal, prove: (deadlineMs: number) => Promise<unknown>) {
    this.#closing = closing;
    this.#prove = prove;
    this.ended = this.#run();
  }

  /** The mirror has a barrier that was asked for at that time (of `performance.now()`). */
  proved(askedAtMs: number): void {
    this.#provedAtMs = Math.max(this.#provedAtMs, askedAtMs);
  }

  /** Somebody reads the mirror. */
  read(): void {
    this.#readAtMs = performance.now();
  }

  /** `Infinity` before the first proof. */
  staleForMs(): number {
    return Math.max(0, performance.now() - this.#provedAtMs);
  }

  async #run(): Promise<void> {
    for (;;) {
      await sleep(everyMs.read / 4, this.#closing);
      if (this.#closing.aborted) return;
      const nowMs = performance.now();
      const isRead = nowMs - this.#readAtMs < readForMs;
      const dueMs = (isRead ? everyMs.read : everyMs.idle) * (1 + jitter * (Math.random() - 1));
      if (this.staleForMs() >= dueMs) {
        await this.#prove(nowMs + proofLimitMs).catch(() => undefined); // it grows older, and says so
      }
    }
  }
}
