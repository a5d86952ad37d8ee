import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../base/clock.ts';
import type { DataEvent, DataWatch } from '../bucket.ts';
import { dataError } from '../errors.ts';
import { checkPrefix } from '../keys.ts';
import type { BucketCall, CallContext } from './call.ts';
import { regionField } from './entries.ts';
import { base64 } from './pages.ts';
import { explained, problemBody, refuse } from './problems.ts';

/** A comment this often, so that neither side holds a dead connection for an open one. */
const heartbeatMs = 15_000;
/** For a refusal to come as one, before the answer begins. */
const firstEventMs = 1_000;
/** Of an event, besides key and value. */
const overheadBytes = 100;
/** After which a client should connect again. */
const retryMs = 1_000;

/**
 * Answers with events until the client, the bucket or the server ends it:
 *
 *   watch opened ─ first event, or 1 s ─▶ head ─▶ event ─ taken ─▶ event … ─▶ `error`, end
 *        │ refused: a problem                       └ 60 s not taken: closed
 *
 * Nothing is held for a client that is slow: the bucket keeps what is the latest by then. However fast
 * all of them are, requests are heard between the turns of `EventTurns`.
 */
export async function streamEvents(call: BucketCall): Promise<void> {
  const { bucket, context, request, response, parameters, name } = call;
  const prefix = String(parameters.prefix);
  checkPrefix(prefix);
  const after = cursorOf(request.headers['last-event-id'], parameters.after);
  let ending: 'closed' | 'bucket_unknown' | undefined;
  let watch: DataWatch | undefined;
  const remove = context.watches.add({
    service: call.caller.service,
    bucket: name,
    end: (code) => {
      ending ??= code;
      watch?.close();
    },
  });
  try {
    watch = bucket.watch({ prefix, after });
    const opened = watch;
    response.once('close', () => opened.close());
    const events = opened[Symbol.asyncIterator]();
    const first = events.next();
    first.catch(() => undefined); // seen below, unless the watch is ended before
    await within(first, firstEventMs, context.clock);
    if (ending) throw dataError('closed', 'the node is stopping');
    begin(response, context);
    const writer = new EventWriter(response, context);
    try {
      for (let next = await first; !next.done && !ending; next = await events.next()) {
        context.counters.sentBytes += await writer.event(next.value);
      }
      if (ending) writer.problem(ending, endWords[ending]);
    } catch (error) {
      const { code = 'internal_error', message = 'the log of the node says why' } =
        explained(error) ?? {};
      writer.problem(code, message);
      if (code === 'internal_error') throw error;
    } finally {
      writer.end();
      opened.close();
    }
  } finally {
    watch?.close();
    remove();
  }
}

const endWords = {
  closed: 'the node is stopping',
  bucket_unknown: 'the token may not use the bucket any more',
} as const;

function cursorOf(field: string | string[] | undefined, parameter: unknown): string | undefined {
  const cursor = field === undefined ? parameter : String(field);
  if (cursor === undefined || cursor === '') return undefined;
  const text = String(cursor);
  return /^[\x21-\x7e]{1,512}$/.test(text)
    ? text
    : refuse('cursor_invalid', 'this API never gave that cursor');
}

/** Rejects as `promise` does; resolves when that does, or the time is over. */
async function within(promise: Promise<unknown>, limitMs: number, clock: Clock): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = clock.after(limitMs, over.resolve);
  try {
    await Promise.race([promise, over.promise]);
  } finally {
    timer.cancel();
  }
}

function begin(response: ServerResponse, context: { readonly region: string }): void {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'private, no-store',
    ...regionField(context),
  });
  response.write(`retry: ${retryMs}\n\n`);
}

/** Writes events, as fast as the client takes them and other watches leave it turns. */
class EventWriter {
  readonly #response: ServerResponse;
  readonly #context: CallContext;
  #heartbeat: Timer | undefined;
  /** Waited for while the client is behind. */
  #taken: (() => void) | undefined;

  constructor(response: ServerResponse, context: CallContext) {
    this.#response = response;
    this.#context = context;
    response.on('drain', () => this.#taken?.());
    response.once('close', () => this.#taken?.());
    this.#beat();
  }

  /** @returns its octets, when the client has taken them */
  async event(event: DataEvent): Promise<number> {
    const response = this.#response;
    await this.#context.turns.take(bytesOf(event));
    if (response.destroyed) return 0;
    const text = textOf(event);
    if (response.write(text) || response.destroyed) return text.length;
    const { clock, answerTimeMs, counters } = this.#context;
    const slow = clock.after(answerTimeMs, () => {
      counters.stalledWatches++;
      response.destroy();
    });
    await new Promise<void>((resolve) => {
      this.#taken = resolve;
    });
    slow.cancel();
    return text.length;
  }

  problem(...[code, detail]: Parameters<typeof problemBody>): void {
    const data = JSON.stringify(problemBody(code, detail));
    this.#response.write(`event: error\ndata: ${data}\n\n`);
  }

  end(): void {
    this.#heartbeat?.cancel();
    this.#response.end();
  }

  #beat(): void {
    this.#heartbeat = this.#context.clock.after(heartbeatMs, () => {
      if (!this.#response.writableNeedDrain) this.#response.write(':\n\n');
      this.#beat();
    });
  }
}

function bytesOf(event: DataEvent): number {
  if (event.type === 'caughtUp') return overheadBytes;
  const carried = event.type === 'put' ? event.entry.value.byteLength : 0;
  return overheadBytes + carried;
}

function textOf(event: DataEvent): string {
  const { type, cursor } = event;
  return `event: ${type}\nid: ${cursor}\ndata: ${JSON.stringify(dataOf(event))}\n\n`;
}

function dataOf(event: DataEvent): object {
  if (event.type === 'caughtUp') return {};
  if (event.type === 'delete') return { key: event.key, version: event.version };
  const { key, version, value } = event.entry;
  return { key, version, value: base64(value) };
}
