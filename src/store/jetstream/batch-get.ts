import {
  createInbox,
  type MsgHdrs,
  type NatsConnection,
  TimeoutError,
} from '@nats-io/transport-node';
import type { FoundRecord } from '../declared.ts';
import { apiOf, isDeletion, JetStreamApiError } from './api.ts';
import type { Source } from './freshness.ts';
import { onceLate } from './sleep.ts';
import { streamOf } from './subjects.ts';

export interface BatchGet {
  readonly source: Source;
  readonly bucket: string;
  /** At most 1,024, all different. */
  readonly subjects: readonly string[];
  readonly inboxPrefix: string;
  /** By `performance.now()`. */
  readonly deadlineMs: number;
}

export interface FoundMessage extends Omit<FoundRecord, 'key'> {
  /** When the hub's leader took it; milliseconds since 1970. */
  readonly writtenAtMs: number;
}

/**
 * The last messages of several subjects in one request (ADR-31, `multi_last`), from any copy,
 * as they were together at one moment: the server looks the sequences up while nothing is
 * stored or removed (`MultiLastSeqs` holds the lock of the store in nats-server 2.14).
 *
 *   ask ─▶ message, message, … ─▶ 204 end
 *      ├─▶ 404 "No Results": none of them has a message
 *      ├─▶ 404 "Message Not Found": one expired in between: `undefined`, ask again
 *      └─▶ 204 with pending: more than the server sends at once: `undefined`, ask for fewer
 *
 * @throws {JetStreamApiError}, or an error of the client library when there is no answer.
 */
export async function batchGet(
  connection: NatsConnection,
  { source, bucket, subjects, inboxPrefix, deadlineMs }: BatchGet,
): Promise<ReadonlyMap<string, FoundMessage> | undefined> {
  const found = new Map<string, FoundMessage>();
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const stop = onceLate(deadlineMs, () => reject(new TimeoutError()));
  const inbox = createInbox(inboxPrefix);
  const subscription = connection.subscribe(inbox, {
    callback: (error, { headers, data }) => {
      if (error) return reject(error);
      const { code = 0, description = '' } = headers ?? {};
      if (headers && code === 0) found.set(headers.get('Nats-Subject'), parse(headers, data));
      else if (code === 204) resolve(headers?.get('Nats-Num-Pending') === '0');
      else if (code === 404) resolve(description === 'No Results');
      else reject(new JetStreamApiError(code, description));
    },
  });
  try {
    const request = JSON.stringify({ multi_last: subjects });
    connection.publish(`${apiOf(source)}.DIRECT.GET.${streamOf(bucket)}`, request, {
      reply: inbox,
    });
    return (await promise) ? found : undefined;
  } finally {
    stop();
    if (!connection.isClosed()) subscription.unsubscribe();
  }
}

/** A batch in which nothing was superseded while it was sent. */
export async function settledBatch(
  connection: NatsConnection,
  batch: BatchGet,
): Promise<ReadonlyMap<string, FoundMessage>> {
  for (;;) {
    const found = await batchGet(connection, batch);
    if (found) return found;
  }
}

function parse(headers: MsgHdrs, data: Uint8Array): FoundMessage {
  return {
    // Copied: the bytes are a view of all that came with them from the socket.
    value: new Uint8Array(data),
    revision: Number(headers.get('Nats-Sequence')),
    deleted: isDeletion(headers.get('KV-Operation')),
    writeId: headers.get('Nats-Msg-Id') || undefined,
    writtenAtMs: Date.parse(headers.get('Nats-Time-Stamp')),
  };
}
