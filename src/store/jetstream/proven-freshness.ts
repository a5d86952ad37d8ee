import { sleep } from './sleep.ts';

const everyMs = { read: 1_000, idle: 3_500 } as const;
const jitter = 0.1;
/** A bucket counts as read for this time after somebody asked how old its mirror is. */
const readForMs = 10_000;
const proofLimitMs = 1_000;

/** That a mirror had all that was confirmed before a barrier was asked for. */
export interface Proof {
  /** When the barrier was asked for, by `performance.now()`. */
  readonly askedAtMs: number;
  /** Its place. */
  readonly barrier: number;
  /** The connection that leads to the mirror. */
  readonly on: object | undefined;
}

/**
 * How old a mirror may be, proved by barriers (`barrier.ts`): when one has come by, with nothing
 * left out meanwhile, the mirror has all that was confirmed before that was asked for
 * (`told-barriers.ts`).
 *
 *   asked for at ──┐        it has come by ─────┐
 *   ───────────────▼────────────────────────────▼──────────▶ now
 *                  └──────────── stale for at most ───────────┘
 *
 * What a mirror tells of itself would not do: one that has just found its origin again says
 * that it lags by nothing, before it heard of what it missed (nats-server 2.14.0: reads that
 * called themselves 1.6 s old, and were 2.3 s).
 *
 * Another connection may lead to another mirror, or to one that lost its disk: what was proved
 * counts there only when that is the same mirror by its name, and is found to have the same barrier.
 *
 * There is a barrier for it each second while the bucket is read, and one each 3.5 s while it is not.
 */
export class ProvenFreshness {
  readonly ended: Promise<void>;
  readonly #prove: (deadlineMs: number) => Promise<unknown>;
  readonly #closing: AbortSignal;
  readonly #current: () => object | undefined;
  #proof: Proof | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param current the connection that there is.
   * @param prove has a barrier sent by then; when it has come by, `proved` is called.
   */
  constructor(
    closing: AbortSignal,
    current: () => object | undefined,
    prove: (deadlineMs: number) => Promise<unknown>,
  ) {
    this.#closing = closing;
    this.#current = current;
    this.#prove = prove;
    this.ended = this.#run();
  }

  proved(proof: Proof): void {
    const known = this.#proof;
    if (known && known.on === proof.on && known.askedAtMs >= proof.askedAtMs) return;
    this.#proof = proof;
  }

  /**
   * The mirror that `on` leads to has the barrier of a proof that was given elsewhere. That counts while
   * it is the same mirror: of another one, which `forget` tells of, a barrier alone proves nothing.
   */
  foundAgain(proof: Proof, on: object | undefined): void {
    if (this.#proof === proof) this.#proof = { ...proof, on };
  }

  /** The last proof, where that was given over another connection than there is now. */
  get elsewhere(): Proof | undefined {
    const on = this.#current();
    return on && this.#proof?.on !== on ? this.#proof : undefined;
  }

  /** It is another mirror. */
  forget(): void {
    this.#proof = undefined;
  }

  /** Somebody reads the mirror. */
  read(): void {
    this.#readAtMs = performance.now();
  }

  /** `Infinity` before the first proof of the mirror that there is. */
  staleForMs(): number {
    if (!this.#proof || this.elsewhere) return Number.POSITIVE_INFINITY;
    return Math.max(0, performance.now() - this.#proof.askedAtMs);
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
