import type { Clock, Timer } from '../../base/clock.ts';
import type { Bucket, Store } from '../../store/store.ts';
import type { OwnNode } from '../own-node.ts';

const intervalMs = 2_000;

/**
 * Writes what a node says of itself to the store, for the eyes of operators and for
 * history: its status to `status` (key `REGION.NODE`) and the states that it decided to
 * `health`. Nothing reads them to serve; without a store nothing is lost but the record.
 */
export class StoreReporter {
  readonly #status: Bucket;
  readonly #health: Bucket;
  readonly #key: string;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #closed = false;
  #lastHealth = '';

  constructor(store: Store, { region, node }: OwnNode, clock: Clock) {
    this.#status = store.bucket('status');
    this.#health = store.bucket('health');
    this.#key = `${region}.${node}`;
    this.#clock = clock;
  }

  /**
   * Reports every two seconds; the next report waits for the one before. What cannot be put
   * into words is a defect, and none that a node should end of: `onFault` is told.
   */
  start(
    status: () => object,
    health: () => object,
    onFault: (error: unknown) => void = () => undefined,
  ): void {
    this.#timer = this.#clock.after(intervalMs, async () => {
      try {
        await this.#report(status(), health());
      } catch (error) {
        onFault(error);
      }
      if (!this.#closed) this.start(status, health, onFault);
    });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Failures are the store's to tell, in its own status. */
  async #report(status: object, health: object): Promise<void> {
    const healthText = JSON.stringify(health);
    const writes = [this.#status.put(this.#key, Buffer.from(JSON.stringify(status)))];
    if (healthText !== this.#lastHealth) {
      writes.push(
        this.#health.put(this.#key, Buffer.from(healthText)).then((revision) => {
          this.#lastHealth = healthText;
          return revision;
        }),
      );
    }
    await Promise.allSettled(writes);
  }
}
