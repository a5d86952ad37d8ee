import { type NatsConnection, nuid, RequestError } from '@nats-io/transport-node';
import { messageOf } from '../../../base/errors.ts';
import { isStoreError, storeError } from '../../errors.ts';
import { deliveryPrefix, followRequest } from '../../nats-server/rights.ts';
import type {
  LogAppend,
  LogFollow,
  LogMessage,
  LogSettings,
  LogState,
  RegionalLog,
} from '../../regional-log.ts';
import { SharedQuestion } from '../../shared-question.ts';
import { leafApi } from '../api.ts';
import { followInPages } from '../follow-in-pages.ts';
import type { Link } from '../link.ts';
import { type ConsumerOptions, consumeInOrder } from '../ordered-consumer.ts';
import { resolvesWithin, sleep } from '../sleep.ts';
import { appendTo, type LogPlace, lastOf, lastOfEach, prefixBytes } from './log-api.ts';
import { ensureLog, logState } from './log-stream.ts';
import { headField, logStream, logSubject } from './log-subjects.ts';

const lookEveryMs = 1_000;
/** Who waits for the size of the log goes on with the old one then. */
const lookWithinMs = 1_000;
const retryMs = 250;

export interface JetStreamLogOptions extends LogPlace {
  readonly settings: LogSettings;
  /** To the region's first leaf, and to no other. */
  readonly link: Link;
  onClose(): void;
}

/**
 * A regional log as a stream of the region's leaf, kept in being in the background:
 *
 *   missing ── ensured ──▶ standing ──┐ looked at once a second
 *      ▲                     │  ▲─────┘
 *      └── stream gone, or another connection
 */
export class JetStreamLog implements RegionalLog {
  readonly name: string;
  readonly #options: JetStreamLogOptions;
  readonly #ending: AbortSignal;
  readonly #closing = new AbortController();
  readonly #stood = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  readonly #looks = new SharedQuestion(() => this.#lookNow());
  #standingOn: NatsConnection | undefined;
  /** Where the log was found, with the epoch that is in the state. */
  #foundOn: NatsConnection | undefined;
  #state: LogState = {
    epoch: undefined,
    lastSequence: 0,
    messages: 0,
    bytes: 0,
    askedAtMs: 0,
    ready: false,
    problem: 'it is not made yet',
  };

  constructor(options: JetStreamLogOptions) {
    this.name = options.name;
    this.#options = options;
    this.#ending = AbortSignal.any([this.#closing.signal, options.link.closing]);
    this.#ended = this.#keep();
  }

  async last(pattern: string): Promise<LogMessage | undefined> {
    const operation = { write: false, what: `read ${this.name}/${pattern}` };
    return await this.#options.link.attempt(operation, (connection, listenMs) =>
      lastOf(connection, this.#options, pattern, listenMs),
    );
  }

  async lastOfEach(pattern: string): Promise<readonly LogMessage[]> {
    const { link } = this.#options;
    const operation = { write: false, what: `read ${this.name}/${pattern}` };
    const { inboxPrefix } = link.connection;
    const deadlineMs = link.deadlineMs();
    for (;;) {
      const found = await link.attempt({ ...operation, deadlineMs }, (connection) =>
        lastOfEach(connection, this.#options, pattern, inboxPrefix, deadlineMs),
      );
      if (found) return found;
      if (performance.now() < deadlineMs) continue;
      throw storeError('store_unreachable', `${operation.what}: it changed again and again`);
    }
  }

  async append(message: LogAppend): Promise<number> {
    const { link } = this.#options;
    const { deadlineMs = link.deadlineMs() } = message;
    await resolvesWithin(
      this.#stood.promise,
      Math.max(0, deadlineMs - performance.now()),
      this.#ending,
    );
    const messageId = nuid.next();
    const operation = { write: true, what: `${this.name}/${message.subject}`, deadlineMs };
    return await link.attempt(operation, (connection, listenMs) =>
      appendTo(connection, this.#options, message, messageId, listenMs),
    );
  }

  async follow(options: LogFollow): Promise<void> {
    try {
      await this.#follow(options);
    } catch (error) {
      if (isStoreError(error)) throw error;
      const { region = this.#options.region } = options;
      const reason =
        error instanceof RequestError && error.isNoResponders()
          ? 'nobody takes the request: its leaf is out of reach, or has an older configuration'
          : messageOf(error);
      const text = `log ${this.name} of region ${region}: ${reason}`;
      throw storeError('store_unreachable', text, { cause: error });
    }
  }

  state(): LogState {
    const { current } = this.#options.link.connection;
    if (current && current === this.#foundOn) return this.#state;
    return this.#state.epoch === undefined ? this.#state : this.#unknown();
  }

  async look(): Promise<void> {
    await resolvesWithin(this.#looks.ask(), lookWithinMs, this.#ending);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
    this.#options.onClose();
  }

  async #follow({
    region: other,
    pattern,
    after,
    epoch,
    headsOnly = false,
    ...options
  }: LogFollow) {
    const { link, region: own, name } = this.#options;
    const connection = link.connection.current;
    if (!connection) throw storeError('store_unreachable', 'no connection to the store');
    const region = other ?? own;
    const far = region !== own;
    const skip = prefixBytes({ region, name });
    const { room } = options;
    const stream = logStream(name);
    const filter = logSubject(region, name, pattern);
    const consumer: ConsumerOptions = {
      stream,
      filter,
      request: (consumer) =>
        far
          ? `${followRequest(region)}.${stream}.${consumer}.${name}.${pattern}`
          : `${leafApi}.CONSUMER.CREATE.${stream}.${consumer}`,
      afterSequence: after,
      headersOnly: headsOnly,
      inboxPrefix: far ? deliveryPrefix(own) : link.connection.inboxPrefix,
      signal: AbortSignal.any([options.signal, this.#ending]),
      onMessage: ({ message, sequence, storedAtMs, pending }) =>
        options.onMessage(
          {
            subject: message.subject.slice(skip),
            head: message.headers?.get(headField) ?? '',
            value: message.data.slice(),
            sequence,
            storedAtMs,
          },
          pending,
        ),
      onCaughtUp: () => options.onCaughtUp?.(),
      ...(room && { room }),
    };
    if (epoch === undefined) return await consumeInOrder(connection, consumer);
    const subject = `${leafApi}.DIRECT.GET.${stream}`;
    const isSame = async (upTo: number) => {
      const state = await logState(connection, name);
      return state?.epoch === epoch && state.lastSequence >= upTo;
    };
    const pages = { subject, filter, paging: link.paging.mirror, isSame };
    await followInPages(connection, { ...consumer, pages });
  }

  async #keep(): Promise<void> {
    const { connection: connections } = this.#options.link;
    let arrival = new AbortController();
    const stopListening = connections.onConnected(() => arrival.abort());
    while (!this.#ending.aborted) {
      arrival = new AbortController();
      const connection = connections.current;
      await this.#looks.ask();
      if (connections.current !== connection) continue;
      const waitMs = connection && this.#standingOn === connection ? lookEveryMs : retryMs;
      await sleep(waitMs, AbortSignal.any([this.#ending, arrival.signal]));
    }
    stopListening();
  }

  async #lookNow(): Promise<void> {
    const { current: connection } = this.#options.link.connection;
    try {
      if (connection) await this.#look(connection);
    } catch (error) {
      this.#standingOn = undefined;
      const problem = `log ${this.name} is not ready: ${messageOf(error)}`;
      this.#state = { ...this.#state, ready: false, problem };
    }
  }

  async #look(connection: NatsConnection): Promise<void> {
    const { settings, name } = this.#options;
    if (this.#standingOn !== connection) {
      this.#state = await ensureLog(connection, this.#options, settings);
      this.#standingOn = connection;
      this.#foundOn = connection;
      return this.#stood.resolve();
    }
    const { problem } = this.#state;
    const state = await logState(connection, name);
    if (state) {
      this.#state = { ...state, problem };
    } else {
      this.#standingOn = undefined;
      this.#foundOn = undefined;
    }
  }

  /** The same object each time, as it is for a state that stays. */
  #unknown(): LogState {
    this.#state = { ...this.#state, epoch: undefined, ready: false };
    return this.#state;
  }
}
