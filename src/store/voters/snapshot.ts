import { setTimeout as sleep } from 'node:timers/promises';
import {
  createInbox,
  errors,
  type Msg,
  type NatsConnection,
  RequestError,
} from '@nats-io/transport-node';
import { MeridianError } from '../../base/errors.ts';
import { callApi } from '../jetstream/api.ts';
import { inboxPrefix } from '../nats-server/rights.ts';
import { operatorUser } from '../nats-server/secret.ts';

/**
 * A stream as it was at one moment: every message with its sequence, which is its revision.
 * Its content goes beside it, in parts: a compressed archive of the server's own format.
 */
export interface Snapshot {
  readonly name: string;
  readonly config: { readonly num_replicas: number; readonly [option: string]: unknown };
  readonly state: { readonly messages: number; readonly last_seq: number };
}

type StreamState = Snapshot['state'];

const callLimitMs = 10_000;
/** Without another part. */
const quietLimitMs = 15_000;
const chunkBytes = 128 * 1_024;
const heardOfWithinMs = 10_000;
const sendAgainMs = 100;

/** Names of all streams of the account. @throws as `callApi` */
export async function streamNames(operator: NatsConnection): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const page = await callApi<{ streams: string[] | null; total: number }>(
      operator,
      '$JS.API.STREAM.NAMES',
      { offset: names.length },
      callLimitMs,
    );
    names.push(...(page.streams ?? []));
    if (names.length >= page.total || !page.streams?.length) return names.sort();
  }
}

/** @throws {MeridianError} `snapshot_failed`, or as `callApi` */
export async function takeSnapshot(
  operator: NatsConnection,
  name: string,
  keep: (part: Uint8Array) => void,
): Promise<Snapshot> {
  const inbox = createInbox(inboxPrefix(operatorUser));
  const { promise: whole, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(failed(name, 'no part for 15 s')), quietLimitMs);
  const subscription = operator.subscribe(inbox, {
    callback: (error, message) => {
      late.refresh();
      const problem = error ?? refusalOf(message.headers);
      if (problem) return reject(failed(name, String(problem)));
      if (message.data.length === 0) return resolve();
      try {
        keep(message.data);
      } catch (cause) {
        return reject(cause);
      }
      message.respond();
    },
  });
  void subscription.closed.then(() => reject(new errors.ClosedConnectionError()));
  try {
    const request = {
      deliver_subject: inbox,
      no_consumers: true,
      jsck: true,
      chunk_size: chunkBytes,
    };
    const subject = `$JS.API.STREAM.SNAPSHOT.${name}`;
    const head = await callApi<Pick<Snapshot, 'config' | 'state'>>(
      operator,
      subject,
      request,
      callLimitMs,
    );
    await whole;
    const { config, state } = head;
    return { name, config, state };
  } finally {
    clearTimeout(late);
    whole.catch(() => undefined);
    if (!operator.isClosed()) subscription.unsubscribe();
  }
}

/**
 * Makes a stream of a snapshot where there is none of its name, with so many copies. It has
 * the same messages under the same sequences, or it is an error.
 *
 * @throws {MeridianError} `snapshot_failed`, or as `callApi`
 */
export async function restoreSnapshot(
  operator: NatsConnection,
  { name, config, state }: Snapshot,
  parts: Iterable<Uint8Array>,
  replicas: number,
): Promise<void> {
  const request = { config: { ...config, num_replicas: replicas }, state };
  const subject = `$JS.API.STREAM.RESTORE.${name}`;
  const { deliver_subject: to } = await callApi<{ deliver_subject: string }>(
    operator,
    subject,
    request,
    callLimitMs,
  );
  for (const part of parts) {
    const answer = await sent(operator, to, part);
    if (answer.data.length > 0) throw failed(name, answer.string().slice(0, 200));
  }
  const last = await sent(operator, to, new Uint8Array(0));
  const made = last.json<{ state?: StreamState; error?: { description?: string } }>();
  if (made.error) throw failed(name, made.error.description ?? 'refused');
  const { last_seq: sequence, messages } = made.state ?? { last_seq: -1, messages: -1 };
  // What ended by its age since it was saved is dropped.
  const mayBeLess = typeof config.max_age === 'number' && config.max_age > 0;
  const isAll = messages === state.messages || (mayBeLess && messages < state.messages);
  if (sequence === state.last_seq && isAll) return;
  throw failed(name, `it has ${messages} messages up to ${sequence}, not what was saved`);
}

/**
 * A part and its answer. The server that takes it may be another than this connection's, which
 * has not heard of its subject yet: then nobody got the part, and it is sent again.
 */
async function sent(operator: NatsConnection, to: string, part: Uint8Array): Promise<Msg> {
  const deadlineMs = performance.now() + heardOfWithinMs;
  for (;;) {
    try {
      return await operator.request(to, part, { timeout: quietLimitMs });
    } catch (error) {
      const isUnheard = error instanceof RequestError && error.isNoResponders();
      if (!isUnheard || performance.now() > deadlineMs) throw error;
      await sleep(sendAgainMs);
    }
  }
}

function refusalOf(headers: { code: number; description: string } | undefined): string | undefined {
  return headers && headers.code >= 400 ? headers.description : undefined;
}

function failed(name: string, why: string): MeridianError {
  return new MeridianError('snapshot_failed', `${name}: ${why}`);
}
