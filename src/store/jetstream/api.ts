import { headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { hubDomain } from '../nats-server/domain.ts';
import type { Source } from './freshness.ts';
import { streamOf, subjectOf } from './subjects.ts';

/*
 * The JetStream API is JSON over request and reply. Two of them are spoken to over the one
 * connection to the local leaf:
 *
 *   $JS.API.…           the leaf's own: mirrors, direct gets, consumers of watches
 *   $JS.global.API.…    the hub's, through the leaf's link: streams and every write
 */
export const leafApi = '$JS.API';
export const hubApi = `$JS.${hubDomain}.API`;

export function apiOf(source: Source): string {
  return source === 'mirror' ? leafApi : hubApi;
}

/** `err_code` of the answers that are handled one by one (nats-server `errors.json`). */
export const apiErrors = {
  streamNotFound: 10059,
  messageNotFound: 10037,
  wrongLastSequence: 10071,
  /** Another write to the key is being confirmed; whether it will be is not known yet. */
  keyInFlight: 10164,
  /** Another creation of the same name won. */
  streamNameInUse: 10058,
  nameInUseByRestore: 10130,
  maximumBytes: 10077,
  insufficientStorage: 10047,
  storageExceeded: 10028,
  /** The same message id is being stored: its first sending is not confirmed yet. */
  duplicateInFlight: 10158,
  /** A hub without a leader answers so. */
  temporarilyUnavailable: 10008,
} as const;

/** A JetStream server answered, and the answer was an error. */
export class JetStreamApiError extends Error {
  readonly errorCode: number;

  constructor(errorCode: number, description: string) {
    super(description);
    this.errorCode = errorCode;
  }
}

/**
 * @param inbox where the answer is to come, if not where those of the connection do.
 * @throws {JetStreamApiError}, or an error of the client library when there is no answer.
 */
export async function callApi<T>(
  connection: NatsConnection,
  subject: string,
  request: object,
  timeoutMs: number,
  inbox?: string,
): Promise<T> {
  const options = inbox === undefined ? {} : { noMux: true, reply: inbox };
  const reply = await connection.request(subject, JSON.stringify(request), {
    timeout: timeoutMs,
    ...options,
  });
  return parseAnswer<T>(reply.json());
}

export interface Write {
  readonly bucket: string;
  readonly key: string;
  readonly value: Uint8Array;
  /**
   * The same for every sending of one write: within two minutes the stream stores it once
   * and answers later ones with the first one's revision. Ids are found again from the messages
   * when all servers start anew: a put without a condition, stored, overwritten and sent again by then
   * is stored twice. With a condition it is not, since the revision is another.
   */
  readonly messageId: string;
  /** By default, that of the key. */
  readonly subject?: string | undefined;
  /** With it, a compare-and-set (0: the key has no message). */
  readonly expectedRevision?: number | undefined;
  /** The subject that is to have that revision; by default, that of the write. */
  readonly expectedOf?: string | undefined;
  readonly deletion?: boolean | undefined;
}

/**
 * Writes one value of a bucket on the hub, with the headers of NATS's own key-value layer.
 * The stream is checked by the server: a subject that another stream took over is an error.
 *
 * @returns the sequence of the message: the revision.
 * @throws {JetStreamApiError}, or an error of the client library when there is no answer.
 */
export async function publish(
  connection: NatsConnection,
  { bucket, key, subject, value, messageId, expectedRevision, expectedOf, deletion }: Write,
  timeoutMs: number,
): Promise<number> {
  const fields = headers();
  fields.set('Nats-Msg-Id', messageId);
  fields.set('Nats-Expected-Stream', streamOf(bucket));
  if (deletion) fields.set('KV-Operation', 'DEL');
  if (expectedRevision !== undefined) {
    fields.set('Nats-Expected-Last-Subject-Sequence', String(expectedRevision));
    if (expectedOf) fields.set('Nats-Expected-Last-Subject-Sequence-Subject', expectedOf);
  }
  const to = `${hubApi}.${subject ?? subjectOf(bucket, key)}`;
  // Not awaited: that would keep the value for as long as the answer is listened for.
  return connection.request(to, value, { timeout: timeoutMs, headers: fields }).then(sequenceIn);
}

/** Of a message that was stored, from its acknowledgement. @throws {JetStreamApiError} */
export function sequenceIn(acknowledgement: Msg): number {
  return parseAnswer<{ seq: number }>(acknowledgement.json()).seq;
}

/** Last message of a key, from wherever it was read. */
export interface StoredMessage {
  readonly value: Uint8Array;
  readonly revision: number;
  readonly deleted: boolean;
}

export interface CopiedMessage extends StoredMessage {
  /** When the hub's leader took it; milliseconds since 1970. */
  readonly writtenAtMs: number;
}

/** The last message of a key in the local mirror, or `undefined`. */
export async function directGet(
  connection: NatsConnection,
  bucket: string,
  key: string,
  timeoutMs: number,
): Promise<CopiedMessage | undefined> {
  const subject = `${leafApi}.DIRECT.GET.${streamOf(bucket)}.${subjectOf(bucket, key)}`;
  const reply = await connection.request(subject, '', { timeout: timeoutMs });
  const fields = reply.headers;
  if (fields?.code === 404) return undefined;
  if (fields?.code !== 0) {
    throw new JetStreamApiError(fields?.code ?? 0, fields?.description ?? 'unexpected answer');
  }
  return {
    value: reply.data,
    revision: Number(fields.get('Nats-Sequence')),
    deleted: isDeletion(fields.get('KV-Operation')),
    writtenAtMs: Date.parse(fields.get('Nats-Time-Stamp')),
  };
}

/** The last message of a key as the leader of its stream knows it, or `undefined`. */
export async function leaderGet(
  connection: NatsConnection,
  bucket: string,
  key: string,
  timeoutMs: number,
): Promise<StoredMessage | undefined> {
  try {
    const request = { last_by_subj: subjectOf(bucket, key) };
    const { message } = await callApi<{
      message: { seq: number; data?: string; hdrs?: string };
    }>(connection, `${hubApi}.STREAM.MSG.GET.${streamOf(bucket)}`, request, timeoutMs);
    const fields = Buffer.from(message.hdrs ?? '', 'base64').toString();
    return {
      value: Buffer.from(message.data ?? '', 'base64'),
      revision: message.seq,
      deleted: isDeletion(/^KV-Operation: *(\w+)/m.exec(fields)?.[1]),
    };
  } catch (error) {
    if (hasApiCode(error, apiErrors.messageNotFound)) return undefined;
    throw error;
  }
}

export function isDeletion(operation: string | undefined): boolean {
  return operation === 'DEL' || operation === 'PURGE';
}

export function hasApiCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.errorCode === code;
}

export function parseAnswer<T>(
  answer: T & { error?: { err_code?: number; description?: string } },
): T {
  const { error } = answer;
  if (!error) return answer;
  throw new JetStreamApiError(error.err_code ?? 0, error.description ?? 'unknown error');
}
