import type { NatsConnection } from '@nats-io/transport-node';
import { isStoreError, storeError } from '../errors.ts';
import type { Reachability } from '../reachability.ts';
import type { Connection } from './connection.ts';
import { explainFailure, isInFlight } from './failures.ts';
import type { Source } from './freshness.ts';
import { Inspection, type InspectionOptions } from './inspection.ts';
import { Paging, pagingLimits } from './paging.ts';
import { sleep } from './sleep.ts';
import { type Listening, Tries } from './tries.ts';

/** Below `writeLimitMs`, with room for a busy event loop. */
const operationLimitMs = 2_500;
const sendAgainMs = 500;
const afterFailureMs = 100;
/** At first, where only another write to the key is on its way: that may be a matter of milliseconds. */
const afterInFlightMs = 4;
/**
 * How long an answer is listened for, whoever may have given up on it: the client drops one at its
 * own limit, which is long past when the process stood still. The operation has its limit here.
 */
const listenMs = 120_000;
/** So many at a time; others only as long as their operation lasts. About 3 KB are kept for each. */
const listenMost = 1_000;

export interface Operation {
  readonly write: boolean;
  /** For messages: what is done to which key. */
  readonly what: string;
  /** By `performance.now()`; default: the limit of one operation from now. */
  readonly deadlineMs?: number | undefined;
  /** How long to wait for an answer before the request is sent again; default 500 ms. */
  readonly sendAgainMs?: number | undefined;
}

export interface LinkOptions
  extends Pick<InspectionOptions, 'replicas' | 'awaitsVoters' | 'onVoters'> {
  readonly nowMs: () => number;
  readonly reachability: Reachability;
}

type LinkParts = Pick<
  Link,
  'connection' | 'nowMs' | 'reachability' | 'inspection' | 'paging' | 'closing'
>;

/** What buckets and watches share of their store: its connection, its limits, its clock, its servers. */
export class Link {
  readonly connection: Connection;
  readonly nowMs: () => number;
  readonly reachability: Reachability;
  readonly inspection: Inspection;
  /** Shared by all who follow in pages; those who follow the hub keep nobody from the mirrors. */
  readonly paging: Readonly<Record<Source, Paging>>;
  readonly closing: AbortSignal;
  readonly #listening: Listening = { count: 0 };

  constructor({ connection, nowMs, reachability, inspection, paging, closing }: LinkParts) {
    this.connection = connection;
    this.nowMs = nowMs;
    this.reachability = reachability;
    this.inspection = inspection;
    this.paging = paging;
    this.closing = closing;
  }

  static over(connection: Connection, options: LinkOptions): Link {
    const { nowMs, reachability } = options;
    const hubConfirms = () => reachability.reachable;
    const inspection = new Inspection({ ...options, connection, hubConfirms });
    const { mirror, hub } = pagingLimits;
    const paging = { mirror: new Paging(mirror), hub: new Paging(hub) };
    const { closing } = connection;
    return new Link({ connection, nowMs, reachability, inspection, paging, closing });
  }

  /** The same, for what ends before the connection does. */
  until(end: AbortSignal): Link {
    const closing = AbortSignal.any([this.closing, end]);
    return new Link({ ...this, closing });
  }

  deadlineMs(): number {
    return performance.now() + operationLimitMs;
  }

  /** @throws {StoreError} `store_closed` */
  checkOpen(): void {
    if (this.closing.aborted) throw storeError('store_closed', 'the store was closed');
  }

  /**
   * Sends a request until it is answered. The hub drops a request in silence while the
   * stream that it is for elects a leader, and a connection may break: so it is sent again,
   * and must be safe to send again (a read, or a write with its own message id).
   *
   *   0         0.5        1.0        1.5        2.0     2.5 s
   *   ├─ sent ───┼─ sent ───┼─ sent ───┼─ sent ───┼───────┤ StoreError
   *        an answer to any of them ends it
   *
   * @param request is told how long to listen for its answer, which may be beyond the deadline.
   * @throws {StoreError} in bounded time, see `explainFailure`. Time in which the process stood
   *   still is none: an answer that came meanwhile is one.
   */
  async attempt<T>(
    operation: Operation,
    request: (connection: NatsConnection, listenMs: number) => Promise<T>,
  ): Promise<T> {
    const deadlineMs = operation.deadlineMs ?? this.deadlineMs();
    const tries = new Tries<T>(this.#listening);
    const pause = new Pause();
    const over = new AbortController();
    const ending = AbortSignal.any([over.signal, this.closing]);
    try {
      for (;;) {
        const connection = await this.#connected(deadlineMs, tries.taken);
        const remainingMs = Math.max(1, deadlineMs - performance.now());
        const isFew = this.#listening.count < listenMost;
        const failed = tries.send(request(connection, isFew ? listenMs : remainingMs));
        const waitMs = Math.min(operation.sendAgainMs ?? sendAgainMs, remainingMs);
        const paused = failed.then((error) => sleep(pause.afterMs(error), ending));
        await Promise.race([tries.decided, paused, sleep(waitMs, ending)]);
        if (tries.outcome) return tries.outcome.value;
        const late = performance.now() >= deadlineMs - 1;
        if (late || tries.isRefused || this.closing.aborted) {
          const { taken, error } = tries;
          throw explainFailure(error, { ...operation, taken, closing: this.closing.aborted });
        }
      }
    } finally {
      over.abort();
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

/** Between a try that failed and the next. */
class Pause {
  #inFlightMs = afterInFlightMs;

  /** Who waits for one key is not to come again all at once. */
  afterMs(error: unknown): number {
    if (!isInFlight(error)) return afterFailureMs;
    const ms = this.#inFlightMs * (0.5 + Math.random());
    this.#inFlightMs = Math.min(2 * this.#inFlightMs, afterFailureMs);
    return ms;
  }
}
