import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, messageOf } from '../../base/errors.ts';
import { dataProblems } from '../server/problems.ts';
import { DataClientError, type DataClientErrorCode } from './client-error.ts';

export interface CallOptions {
  /** For the whole call with its retries. Default: that of the client. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Exchange {
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Whether it changes something: then it is sent again only if nothing was stored. */
  readonly writes: boolean;
}

/** An answer of success. */
export interface Answered {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface ExchangeSettings {
  readonly url: string;
  readonly token: string;
  readonly timeoutMs: number;
  readonly retries: number;
}

const firstPauseMs = 50;
const longestPauseMs = 1_000;

/** Nobody can have got the request then. */
const notSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Sends a request until it is answered or there is no time left. A read is repeated after every
 * failure that may pass; a write only after one that stored nothing.
 *
 * @throws DataClientError, or the reason of the signal
 */
export async function exchange(
  settings: ExchangeSettings,
  asked: Exchange,
  { timeoutMs = settings.timeoutMs, signal }: CallOptions = {},
): Promise<Answered> {
  signal?.throwIfAborted();
  const limit = AbortSignal.timeout(timeoutMs);
  const either = signal ? AbortSignal.any([signal, limit]) : limit;
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await send(settings, asked, either);
      const body = await response.arrayBuffer().catch((cause: unknown) => {
        throw connectionFailed(asked, cause);
      });
      return { headers: response.headers, body: new Uint8Array(body) };
    } catch (error) {
      signal?.throwIfAborted();
      const failure = limit.aborted ? timedOut(asked, timeoutMs, error) : (error as Error);
      if (!(failure instanceof DataClientError) || attempt >= settings.retries) throw failure;
      if (limit.aborted || !failure.retryable) throw failure;
      if (asked.writes && failure.outcome === 'unknown') throw failure;
      await pause(attempt, either).catch(() => {
        signal?.throwIfAborted();
        throw failure;
      });
    }
  }
}

/** An answer of success, its body still to be read. @throws DataClientError */
export async function send(
  { url, token }: ExchangeSettings,
  asked: Exchange,
  signal: AbortSignal,
): Promise<Response> {
  const { method, path, headers, body } = asked;
  const response = await fetch(url + path, {
    ...{ method, signal, redirect: 'error' },
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body !== undefined && { body: body as NonNullable<RequestInit['body']> }),
  }).catch((cause: unknown) => {
    throw connectionFailed(asked, cause);
  });
  if (response.status < 400) return response;
  throw await refused(asked, response);
}

export function connectionFailed({ writes }: Pick<Exchange, 'writes'>, cause: unknown): Error {
  const why = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  const sent = !notSent.has(codeOf(why) ?? '');
  return new DataClientError(
    'connection_failed',
    `the data API is not reached: ${messageOf(why)}`,
    {
      cause,
      retryable: true,
      outcome: writes && sent ? 'unknown' : 'none',
    },
  );
}

function timedOut({ writes }: Exchange, timeoutMs: number, cause: unknown): DataClientError {
  const earlier = cause instanceof DataClientError ? cause.outcome : 'unknown';
  return new DataClientError('timeout', `no answer of the data API in ${timeoutMs} ms`, {
    cause,
    retryable: true,
    outcome: writes ? earlier : 'none',
  });
}

async function refused({ writes }: Exchange, response: Response): Promise<DataClientError> {
  const { status } = response;
  const text = await response.text().catch(() => '');
  const { code, detail, outcome, retryable, regions } = problemIn(text);
  if (code === undefined) {
    return new DataClientError(
      'unexpected_answer',
      `the data API was answered for by a ${status}`,
      {
        status,
        retryable: status >= 500,
        outcome: writes ? 'unknown' : 'none',
      },
    );
  }
  return new DataClientError(code, detail, {
    status,
    retryable,
    outcome: writes ? outcome : 'none',
    regions,
    staleForMs: ageOf(response.headers),
  });
}

/** As `Meridian-Staleness-Ms` says. */
export function ageOf(headers: Headers): number {
  const text = headers.get('meridian-staleness-ms') ?? '';
  return /^\d+$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}

interface Problem {
  readonly code: DataClientErrorCode | undefined;
  readonly detail: string;
  readonly outcome: 'none' | 'unknown';
  readonly retryable: boolean;
  readonly regions: readonly string[] | undefined;
}

/** What a problem says, as far as it is one of this API. */
function problemIn(text: string): Problem {
  const { code, detail, outcome, retryable, regions } = fieldsOf(text);
  const known = typeof code === 'string' && Object.hasOwn(dataProblems, code);
  return {
    code: known ? (code as DataClientErrorCode) : undefined,
    detail: typeof detail === 'string' ? detail : '',
    outcome: outcome === 'unknown' ? 'unknown' : 'none',
    retryable: retryable === true,
    regions: Array.isArray(regions) ? regions.map(String) : undefined,
  };
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Between half of a doubling time and all of it. */
export async function pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const most = Math.min(longestPauseMs, firstPauseMs * 2 ** attempt);
  const options = signal ? { signal } : {};
  await delay(most * (0.5 + Math.random() / 2), undefined, options);
}
