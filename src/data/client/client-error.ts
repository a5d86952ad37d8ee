import { MeridianError } from '../../base/errors.ts';
import type { DataProblemCode } from '../server/problems.ts';

/**
 * What the data API said, or why nobody said anything:
 *
 *   connection_failed   no connection, or it was lost
 *   timeout             no answer in `timeoutMs`
 *   unexpected_answer   something else than the data API answered
 */
export type DataClientErrorCode =
  | DataProblemCode
  | 'connection_failed'
  | 'timeout'
  | 'unexpected_answer';

export interface DataClientFacts {
  /** Of the answer; `undefined`: there was none. */
  readonly status?: number | undefined;
  /** Whether the same request may succeed when it is sent again. */
  readonly retryable: boolean;
  /** Of a write that failed: nothing was stored, or it may have been or may be later. */
  readonly outcome: 'none' | 'unknown';
  /** Those that have the bucket, for `not_resident`. */
  readonly regions?: readonly string[] | undefined;
  /** Of a read that found no value, as `Read` has it. */
  readonly staleForMs?: number | undefined;
  readonly cause?: unknown;
}

/** Every failure of the client, but for the reason of a signal, which is thrown as it is. */
export class DataClientError extends MeridianError<DataClientErrorCode> {
  readonly status: number | undefined;
  readonly retryable: boolean;
  readonly outcome: 'none' | 'unknown';
  readonly regions: readonly string[];
  readonly staleForMs: number;

  constructor(code: DataClientErrorCode, message: string, facts: DataClientFacts) {
    const { cause, status, retryable, outcome, regions = [] } = facts;
    const { staleForMs = Number.POSITIVE_INFINITY } = facts;
    super(code, message, { cause, details: { outcome, ...(status !== undefined && { status }) } });
    this.name = 'DataClientError';
    this.status = status;
    this.retryable = retryable;
    this.outcome = outcome;
    this.regions = regions;
    this.staleForMs = staleForMs;
  }
}
