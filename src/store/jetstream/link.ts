import type { NatsConnection } from '@nats-io/transport-node';
import { storeError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { explainFailure, nobodyThere } from './failures.ts';
import { sleep } from './sleep.ts';

/** Below `writeLimitMs`, with room for a busy event loop. */
const operationLimitMs = 2_500;
const askAgainMs = 100;

export interface Operation {
  readonly write: boolean;
  /** For messages: what is done to which key. */
  readonly what: string;
  /** By `performance.now()`; default: the limit of one operation from now. */
  readonly deadlineMs?: number | undefined;
}

/** What buckets and watches share of their store: its connection, its limits, its clock. */
export class Link {
  readonly connection: Connection;
  readonly nowMs: () => number;
  /** When a majority last confirmed a write of this node (monotonic time of `nowMs`). */
  readonly confirmedAtMs: () => number;

  constructor(connection: Connection, nowMs: () => number, confirmedAtMs: () => number) {
    this.connection = connection;
    this.nowMs = nowMs;
    this.confirmedAtMs = confirmedAtMs;
  }

  get closing(): AbortSignal {
    return this.connection.closing;
  }

  deadlineMs(): number {
    return performance.now() + operationLimitMs;
  }

  /** @throws {StoreError} `store_closed` */
  checkOpen(): void {
    if (this.closing.aborted) throw storeError('store_closed', 'the store was closed');
  }

  /**
   * Runs a request, once a connection stands, and again as long as nobody was there to
   * take it (a leader being elected, a bucket being made): that is sure to have done
   * nothing. A request that was taken is never sent twice.
   *
   * @throws {StoreError} in bounded time, see `explainFailure`.
   */
  async attempt<T>(
    operation: Operation,
    request: (connection: NatsConnection, timeoutMs: number) => Promise<T>,
  ): Promise<T> {
    const deadlineMs = operation.deadlineMs ?? this.deadlineMs();
    for (;;) {
      const connection = await this.connection.connected(deadlineMs);
      try {
        return await request(connection, Math.max(1, deadlineMs - performance.now()));
      } catch (error) {
        const again = nobodyThere(error) && performance.now() + askAgainMs < deadlineMs;
        if (!again) {
          throw explainFailure(error, { ...operation, closing: this.closing.aborted });
        }
      }
      await sleep(askAgainMs, this.closing);
    }
  }
}
