import type { NatsConnection } from '@nats-io/transport-node';
import { isStoreError, storeError } from '../errors.ts';
import type { Reachability } from '../reachability.ts';
import type { Connection } from './connection.ts';
import { explainFailure, isWorthAnotherTry, mayHaveBeenTaken } from './failures.ts';
import { Inspection } from './inspection.ts';
import { sleep } from './sleep.ts';

/** Below `writeLimitMs`, with room for a busy event loop. */
const operationLimitMs = 2_500;
const tryLimitMs = 800;
const askAgainMs = 100;

export interface Operation {
  readonly write: boolean;
  /** For messages: what is done to which key. */
  readonly what: string;
  /** By `performance.now()`; default: the limit of one operation from now. */
  readonly deadlineMs?: number | undefined;
  /** How long one try may take before the next; default 800 ms. */
  readonly tryLimitMs?: number | undefined;
}

/** What buckets and watches share of their store: its connection, its limits, its clock, its servers. */
export class Link {
  readonly connection: Connection;
  readonly nowMs: () => number;
  readonly reachability: Reachability;
  readonly inspection: Inspection;

  constructor(
    connection: Connection,
    nowMs: () => number,
    reachability: Reachability,
    replicas: number,
  ) {
    this.connection = connection;
    this.nowMs = nowMs;
    this.reachability = reachability;
    const hubConfirms = () => reachability.reachable;
    this.inspection = new Inspection({ connection, replicas, hubConfirms });
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
   * Runs a request until it is answered. The hub drops a request in silence while the
   * stream that it is for elects a leader, and a connection may break: so it is sent again,
   * and must be safe to send again (a read, or a write with its own message id).
   *
   *   0        0.8       1.6       2.4  2.5 s
   *   ├─ try ──┼─ try ───┼─ try ───┼────┤ StoreError
   *
   * @throws {StoreError} in bounded time, see `explainFailure`.
   */
  async attempt<T>(
    operation: Operation,
    request: (connection: NatsConnection, timeoutMs: number) => Promise<T>,
  ): Promise<T> {
    const deadlineMs = operation.deadlineMs ?? this.deadlineMs();
    for (let taken = false; ; ) {
      const connection = await this.#connected(deadlineMs, taken);
      const remainingMs = Math.max(1, deadlineMs - performance.now());
      try {
        const timeoutMs = Math.min(operation.tryLimitMs ?? tryLimitMs, remainingMs);
        return await request(connection, timeoutMs);
      } catch (error) {
        taken ||= mayHaveBeenTaken(error);
        const again = isWorthAnotherTry(error) && performance.now() + askAgainMs < deadlineMs;
        if (!again || this.closing.aborted) {
          throw explainFailure(error, { ...operation, taken, closing: this.closing.aborted });
        }
      }
      await sleep(askAgainMs, this.closing);
    }
  }

  async #connected(deadlineMs: number, taken: boolean): Promise<NatsConnection> {
    try {
      return await this.connection.connected(deadlineMs);
    } catch (error) {
      if (!taken || !isStoreError(error)) throw error;
      throw storeError(error.code, error.message, { cause: error, outcome: 'unknown' });
    }
  }
}
