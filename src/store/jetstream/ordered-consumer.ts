import { createInbox, type Msg, type NatsConnection, nuid } from '@nats-io/transport-node';
import { callApi } from './api.ts';

const heartbeatMs = 1_000;
/** Three heartbeats and a little: then the consumer is taken for lost. */
const silenceMs = 3_500;
const createLimitMs = 2_000;

export interface ConsumedMessage {
  readonly message: Pick<Msg, 'subject' | 'headers' | 'data'>;
  readonly sequence: number;
  /** By the server that took it; milliseconds since 1970. */
  readonly storedAtMs: number;
  /** How many the consumer had to deliver after it. */
  readonly pending: number;
}

export interface ConsumerOptions {
  readonly stream: string;
  /** Subjects, or patterns of them, of which none has a subject of another. */
  readonly filter: string | readonly string[];
  /** The subject of the request for a consumer of that name. */
  request(name: string): string;
  /** Deliver what is newer than this; 0: the last message of every subject first. */
  readonly afterSequence: number;
  readonly headersOnly: boolean;
  /** Of the subjects where deliveries arrive, and the answer to the request. */
  readonly inboxPrefix: string;
  readonly signal: AbortSignal;
  /** Waited for, where there is something, before the server is told to send more. */
  room?(): Promise<void> | undefined;
  /** Ends when the server asks for the first time whether all came: after 1 MiB, of 2 MiB at most. */
  readonly endsWhenAsked?: boolean | undefined;
  onMessage(message: ConsumedMessage): void;
  /** Called once: all that the stream held at the start was delivered. */
  onCaughtUp(): void;
}

/**
 * Follows a stream by a push consumer without acknowledgements, until something is wrong
 * (ADR-17, "ordered consumer", done by restarting from outside instead of from within):
 *
 *   create ─▶ messages: consumer sequence 1, 2, 3, … ─▶ caught up ─▶ messages, heartbeats
 *               │ a gap, 3.5 s of silence, the consumer deleted, the connection closed
 *               └──▶ rejects: the caller follows again after the last sequence it got
 *
 * Resolves when `signal` aborts, or as `endsWhenAsked` says. The server forgets the consumer 10 s after its reader left.
 */
export async function consumeInOrder(
  connection: NatsConnection,
  options: ConsumerOptions,
): Promise<void> {
  const inbox = createInbox(options.inboxPrefix);
  const { promise: ended, resolve: end, reject: fail } = Promise.withResolvers<void>();
  // It may be rejected while the consumer is made, when nobody waits for it yet.
  ended.catch(() => undefined);
  const progress = new Progress(options, (subject) => {
    if (options.endsWhenAsked) end();
    else if (!connection.isClosed()) connection.publish(subject);
  });
  const silence = setTimeout(() => fail(new Error('the watch fell silent')), silenceMs);
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error) return fail(error);
      silence.refresh();
      try {
        progress.take(message);
      } catch (cause) {
        fail(cause);
      }
    },
  });
  // Not the connection's own promise: that would keep something of each consumer for as long as it stands.
  void subscription.closed.then(() => fail(new Error('the connection closed')));
  const abort = () => end();
  options.signal.addEventListener('abort', abort);
  try {
    if (options.signal.aborted) return;
    // Where the connection is lost, the client leaves the request unanswered, whatever its limit.
    const pending = await Promise.race([createConsumer(connection, inbox, options), ended]);
    if (pending === undefined) return;
    progress.expect(pending);
    await ended;
  } finally {
    clearTimeout(silence);
    options.signal.removeEventListener('abort', abort);
    if (!connection.isClosed()) subscription.unsubscribe();
  }
}

/** Counts what has come, and knows when that was all there was at the start. */
class Progress {
  readonly #options: ConsumerOptions;
  readonly #answer: (subject: string) => void;
  #delivered = 0;
  #pending: number | undefined;
  #caughtUp = false;

  constructor(options: ConsumerOptions, answer: (subject: string) => void) {
    this.#options = options;
    this.#answer = answer;
  }

  /** `pending`: how many messages the consumer had to deliver when it was made. */
  expect(pending: number): void {
    this.#pending = pending;
    this.#checkCaughtUp();
  }

  take(message: Msg): void {
    const status = message.headers?.code ?? 0;
    if (status === 100) this.#takeControl(message);
    else if (status === 0) this.#takeDelivery(message);
    else throw new Error(`the watch ended: ${message.headers?.description ?? status}`);
  }

  #takeDelivery(message: Msg): void {
    const { consumerSequence, sequence, storedAtMs, pending } = parseDelivery(message.reply ?? '');
    if (consumerSequence !== this.#delivered + 1) throw new Error('the watch has a gap');
    this.#delivered = consumerSequence;
    this.#options.onMessage({ message, sequence, storedAtMs, pending });
    if (pending === 0) this.#pending = 0;
    this.#checkCaughtUp();
  }

  /** Heartbeats and flow control; a stalled consumer is told to go on. */
  #takeControl(message: Msg): void {
    // What was lost at the end is noticed by no gap.
    const last = message.headers?.get('Nats-Last-Consumer');
    if (last && Number(last) !== this.#delivered) throw new Error('the watch has a gap');
    const stalled = message.headers?.get('Nats-Consumer-Stalled');
    const subject = message.reply || stalled;
    if (!subject) return;
    const { room: roomOf, endsWhenAsked } = this.#options;
    const room = endsWhenAsked ? undefined : roomOf?.();
    if (room) void room.then(() => this.#answer(subject));
    else this.#answer(subject);
  }

  #checkCaughtUp(): void {
    if (this.#caughtUp || this.#pending === undefined) return;
    if (this.#delivered < this.#pending) return;
    this.#caughtUp = true;
    this.#options.onCaughtUp();
  }
}

async function createConsumer(
  connection: NatsConnection,
  inbox: string,
  options: ConsumerOptions,
): Promise<number> {
  const { stream, filter, afterSequence, headersOnly } = options;
  const name = `watch_${nuid.next()}`;
  const start =
    afterSequence === 0
      ? { deliver_policy: 'last_per_subject' }
      : { deliver_policy: 'by_start_sequence', opt_start_seq: afterSequence + 1 };
  const config = {
    ...start,
    name,
    deliver_subject: inbox,
    ...(typeof filter === 'string' ? { filter_subject: filter } : { filter_subjects: filter }),
    ack_policy: 'none',
    replay_policy: 'instant',
    flow_control: true,
    idle_heartbeat: heartbeatMs * 1e6,
    inactive_threshold: 10_000 * 1e6,
    headers_only: headersOnly,
    mem_storage: true,
    num_replicas: 1,
  };
  const request = { stream_name: stream, config, action: 'create' };
  const reply = createInbox(options.inboxPrefix);
  type Info = { num_pending: number };
  return (await callApi<Info>(connection, options.request(name), request, createLimitMs, reply))
    .num_pending;
}

/**
 * Sequences from the reply subject of a delivery (ADR-15), counted from its end, since
 * what comes before differs: `$JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.` then
 * deliveries, stream sequence, consumer sequence, time, pending, and with the domain a token.
 */
export function parseDelivery(reply: string): {
  sequence: number;
  consumerSequence: number;
  storedAtMs: number;
  pending: number;
} {
  const tokens = reply.split('.');
  const numbers = tokens.slice(tokens.length === 9 ? 4 : 6);
  const [, sequence, consumerSequence, storedAtNs, pending] = numbers.map(Number);
  const isDelivery =
    tokens[0] === '$JS' &&
    tokens[1] === 'ACK' &&
    numbers.length >= 5 &&
    numbers.slice(0, 5).every((text) => /^\d{1,20}$/.test(text));
  if (!isDelivery) throw new Error('the watch got a message that is no delivery');
  return {
    sequence: sequence!,
    consumerSequence: consumerSequence!,
    storedAtMs: Math.floor(storedAtNs! / 1e6),
    pending: pending!,
  };
}
