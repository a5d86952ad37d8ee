import type { MsgHdrs } from '@nats-io/transport-node';
import { createInbox, headers, type NatsConnection, TimeoutError } from '@nats-io/transport-node';
import type { LogAppend, LogMessage } from '../../regional-log.ts';
import { JetStreamApiError, leafApi, sequenceIn } from '../api.ts';
import { onceLate } from '../sleep.ts';
import { headField, logStream, logSubject } from './log-subjects.ts';

/** A log on the server that a connection leads to. */
export interface LogPlace {
  readonly region: string;
  readonly name: string;
}

/** @throws {JetStreamApiError}, or an error of the client library when there is no answer. */
export async function appendTo(
  connection: NatsConnection,
  { region, name }: LogPlace,
  { subject, head, value, expected }: LogAppend,
  messageId: string,
  timeoutMs: number,
): Promise<number> {
  const fields = headers();
  fields.set('Nats-Msg-Id', messageId);
  fields.set('Nats-Expected-Stream', logStream(name));
  fields.set(headField, head);
  if (expected) {
    const pattern = logSubject(region, name, expected.pattern);
    fields.set('Nats-Expected-Last-Subject-Sequence', String(expected.sequence));
    fields.set('Nats-Expected-Last-Subject-Sequence-Subject', pattern);
  }
  const options = { timeout: timeoutMs, headers: fields };
  // Not awaited: that would keep the value for as long as the answer is listened for.
  return connection.request(logSubject(region, name, subject), value, options).then(sequenceIn);
}

/** The newest message whose subject matches, or `undefined`. */
export async function lastOf(
  connection: NatsConnection,
  { region, name }: LogPlace,
  pattern: string,
  timeoutMs: number,
): Promise<LogMessage | undefined> {
  const request = JSON.stringify({ last_by_subj: logSubject(region, name, pattern) });
  const subject = `${leafApi}.DIRECT.GET.${logStream(name)}`;
  const reply = await connection.request(subject, request, { timeout: timeoutMs });
  const fields = reply.headers;
  if (fields?.code === 404) return undefined;
  if (fields?.code !== 0) throw refusal(fields);
  return stored(fields, reply.data, prefixBytes({ region, name }));
}

/**
 * The last message of each subject that matches, as they were together at one moment (ADR-31,
 * `multi_last`).
 *
 *   ask ─▶ message, message, … ─▶ 204 end
 *      ├─▶ 404 "No Results": there is none
 *      ├─▶ 404 "Message Not Found": one was replaced in between: `undefined`, ask again
 *      └─▶ 413: more than 1,024
 */
export async function lastOfEach(
  connection: NatsConnection,
  { region, name }: LogPlace,
  pattern: string,
  inboxPrefix: string,
  deadlineMs: number,
): Promise<readonly LogMessage[] | undefined> {
  const found: LogMessage[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const stop = onceLate(deadlineMs, () => reject(new TimeoutError()));
  const inbox = createInbox(inboxPrefix);
  const skip = prefixBytes({ region, name });
  const subscription = connection.subscribe(inbox, {
    callback: (error, { headers: fields, data }) => {
      if (error) return reject(error);
      const { code = 0, description = '' } = fields ?? {};
      if (fields && code === 0) found.push(stored(fields, data, skip));
      else if (code === 204) resolve(fields?.get('Nats-Num-Pending') === '0');
      else if (code === 404) resolve(description === 'No Results');
      else reject(refusal(fields));
    },
  });
  try {
    const request = JSON.stringify({ multi_last: [logSubject(region, name, pattern)] });
    connection.publish(`${leafApi}.DIRECT.GET.${logStream(name)}`, request, { reply: inbox });
    return (await promise) ? found.sort((a, b) => a.sequence - b.sequence) : undefined;
  } finally {
    stop();
    if (!connection.isClosed()) subscription.unsubscribe();
  }
}

/** In front of the subjects of a log. */
export function prefixBytes({ region, name }: LogPlace): number {
  return logSubject(region, name, '').length;
}

function stored(fields: MsgHdrs, data: Uint8Array, prefixLength: number): LogMessage {
  return {
    subject: fields.get('Nats-Subject').slice(prefixLength),
    head: fields.get(headField),
    // Copied: the bytes are a view of all that came with them from the socket.
    value: data.slice(),
    sequence: Number(fields.get('Nats-Sequence')),
    storedAtMs: Date.parse(fields.get('Nats-Time-Stamp')),
  };
}

function refusal(fields: MsgHdrs | undefined): JetStreamApiError {
  return new JetStreamApiError(fields?.code ?? 0, fields?.description ?? 'unexpected answer');
}
