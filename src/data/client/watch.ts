import { messageOf } from '../../base/errors.ts';
import type { DataEvent } from '../bucket.ts';
import { dataProblems } from '../server/problems.ts';
import { DataClientError, type DataClientErrorCode } from './client-error.ts';
import { EventParser, type ServerEvent } from './event-parser.ts';
import { connectionFailed, type ExchangeSettings, pause, send } from './exchange.ts';

export interface WatchCallOptions {
  readonly prefix?: string | undefined;
  /** `cursor` of the last event seen: only what changed after it. */
  readonly after?: string | undefined;
  /** Ends the watch, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The server sends something every 15 s: a connection that is silent for longer is dead. */
const silenceMs = 45_000;

/**
 * Events of a bucket, for ever: after a failure that may pass it connects again and goes on
 * after the last cursor.
 *
 * @throws DataClientError for a failure that does not pass, such as `revision_compacted`
 */
export async function* watchEvents(
  settings: ExchangeSettings,
  path: string,
  { prefix = '', after, signal }: WatchCallOptions,
): AsyncGenerator<DataEvent, never> {
  let cursor = after;
  for (let attempt = 0; ; attempt++) {
    try {
      const query = new URLSearchParams({ prefix, ...(cursor !== undefined && { after: cursor }) });
      for await (const event of eventsOf(settings, `${path}?${query}`, signal)) {
        attempt = 0;
        cursor = event.cursor;
        yield event;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof DataClientError) || !error.retryable) throw error;
    }
    await pause(attempt, signal);
  }
}

async function* eventsOf(
  settings: ExchangeSettings,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<DataEvent> {
  const silent = new AbortController();
  const either = signal ? AbortSignal.any([signal, silent.signal]) : silent.signal;
  let alarm = setTimeout(() => silent.abort(), silenceMs);
  const parser = new EventParser();
  const decoder = new TextDecoder();
  try {
    const response = await send(settings, { method: 'GET', path, writes: false }, either);
    for await (const part of response.body ?? []) {
      clearTimeout(alarm);
      alarm = setTimeout(() => silent.abort(), silenceMs);
      for (const event of parser.take(decoder.decode(part, { stream: true }))) yield read(event);
    }
  } catch (error) {
    throw error instanceof DataClientError ? error : connectionFailed({ writes: false }, error);
  } finally {
    clearTimeout(alarm);
    silent.abort(); // ends the connection where the reader has gone
  }
}

/** @throws DataClientError that the server told as the last event */
function read({ event, id: cursor = '', data }: ServerEvent): DataEvent {
  const { key, version, value, code, detail } = parsed(data);
  if (event === 'caughtUp') return { type: 'caughtUp', cursor };
  if (event === 'delete') return { type: 'delete', key, version, cursor };
  if (event === 'put') {
    return { type: 'put', entry: { key, version, value: Buffer.from(value, 'base64') }, cursor };
  }
  const known = Object.hasOwn(dataProblems, code);
  const told = (known ? code : 'unexpected_answer') as DataClientErrorCode &
    keyof typeof dataProblems;
  const retryable = known && dataProblems[told].retryable;
  throw new DataClientError(told, detail, { retryable, outcome: 'none' });
}

const fields = ['key', 'version', 'value', 'code', 'detail'] as const;

function parsed(data: string): Record<(typeof fields)[number], string> {
  try {
    const given = JSON.parse(data) as Readonly<Record<string, unknown>>;
    const texts = fields.map((name) => [name, String(given[name] ?? '')] as const);
    return Object.fromEntries(texts) as Record<(typeof fields)[number], string>;
  } catch (cause) {
    throw new DataClientError('unexpected_answer', `an event is no JSON: ${messageOf(cause)}`, {
      cause,
      retryable: false,
      outcome: 'none',
    });
  }
}
