import { createInbox, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { JetStreamApiError } from './api.ts';
import type { ConsumedMessage } from './ordered-consumer.ts';

const pageMessages = 1_000;
/** Without a message for so long, the page is taken for lost: others wait for the turn that it has. */
const silenceMs = { first: 1_500, next: 3_500 } as const;

export interface PageGet {
  /** `DIRECT.GET` of a stream with one message for each subject. */
  readonly subject: string;
  /** Subjects; `undefined`: all, which is found with less work. */
  readonly filter: string | undefined;
  readonly afterSequence: number;
  /** The message with which they are reached comes too. */
  readonly bytes: number;
  readonly inboxPrefix: string;
  readonly signal: AbortSignal;
}

/**
 * Some of a stream's messages, in order, from any copy of it (ADR-31, batches).
 *
 *   ask ─▶ message, message, … ─▶ 204 end, with how many are left
 *      └─▶ 404: none
 *
 * Each message names the one before it, so none is lost unnoticed. What a copy lacks that is
 * behind comes with later pages: whatever it has up to some place it has as the hub had it.
 *
 * @throws {JetStreamApiError}, or an error when it does not come whole. When `signal` aborts it is of no use.
 */
export async function pageGet(
  connection: NatsConnection,
  { subject, filter, afterSequence, bytes, inboxPrefix, signal }: PageGet,
): Promise<readonly ConsumedMessage[]> {
  const page: ConsumedMessage[] = [];
  const { promise: whole, resolve, reject } = Promise.withResolvers<void>();
  // It may be rejected before anybody waits for it, where the connection takes nothing more.
  whole.catch(() => undefined);
  const inbox = createInbox(inboxPrefix);
  const subscription = connection.subscribe(inbox, {
    callback: (error, { headers, data }) => {
      if (error) return reject(error);
      if (page.length === 0) listen(silenceMs.next);
      else silence.refresh();
      const { code = 0, description = '' } = headers ?? {};
      if (headers && (code === 0 || code === 204)) {
        if (numberOf(headers, 'Nats-Last-Sequence') !== (page.at(-1)?.sequence ?? 0)) {
          reject(new Error('a page has a gap'));
        } else if (code === 204) resolve();
        else page.push(parse(headers, data));
      } else if (code === 404) resolve();
      else reject(new JetStreamApiError(code, description));
    },
  });
  let silence: NodeJS.Timeout;
  const listen = (ms: number) => {
    clearTimeout(silence);
    silence = setTimeout(() => reject(new Error('a page did not come')), ms);
  };
  listen(silenceMs.first);
  const abort = () => resolve();
  signal.addEventListener('abort', abort, { once: true });
  void subscription.closed.then(() => reject(new Error('the connection closed')));
  try {
    const request = JSON.stringify({
      seq: afterSequence + 1,
      batch: pageMessages,
      max_bytes: bytes,
      next_by_subj: filter,
    });
    connection.publish(subject, request, { reply: inbox });
    await whole;
    return page;
  } finally {
    clearTimeout(silence!);
    signal.removeEventListener('abort', abort);
    if (!connection.isClosed()) subscription.unsubscribe();
  }
}

function parse(headers: MsgHdrs, data: Uint8Array): ConsumedMessage {
  return {
    message: { subject: headers.get('Nats-Subject'), headers, data },
    sequence: numberOf(headers, 'Nats-Sequence'),
    storedAtMs: Date.parse(headers.get('Nats-Time-Stamp')),
    pending: numberOf(headers, 'Nats-Num-Pending'),
  };
}

function numberOf(headers: MsgHdrs, name: string): number {
  return Number(headers.get(name));
}
