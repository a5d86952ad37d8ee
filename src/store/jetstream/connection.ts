import { isIP } from 'node:net';
import { connect, type NatsConnection, type TlsOptions } from '@nats-io/transport-node';
import { messageOf } from '../../base/errors.ts';
import { storeError } from '../errors.ts';
import { inboxPrefix } from '../nats-server/rights.ts';
import { storeUser } from '../nats-server/secret.ts';
import { awaitGreeting } from './greeting.ts';
import { resolvesWithin, sleep } from './sleep.ts';

const connectLimitMs = 1_000;
const retryMs = 250;
const pingEveryMs = 500;
const pingLimitMs = 1_000;
const pingsMissed = 2;

/** PEM texts with which node and server prove themselves to each other. */
export interface StoreTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** The name that the server must prove; by default, its host, where that is a name. */
  readonly serverName?: string | undefined;
}

export interface ConnectionOptions {
  /** `nats://host:port`, in order of preference. */
  readonly servers: readonly string[];
  /** Shown by the server in its logs and monitoring. */
  readonly name: string;
  readonly secret?: string | undefined;
  /** Who goes with the secret; by default, the user of the nodes. */
  readonly user?: string | undefined;
  /** Whose answers the node may hear. */
  readonly region: string;
  readonly tls?: StoreTls | undefined;
  /** Called when a connection that stood is no more. */
  onLost(reason: string): void;
}

/**
 * One connection after the other, for ever, to the first server that answers.
 *
 *   ┌────────────┐  greeting, then connected  ┌───────────┐
 *   │ connecting │ ─────────────────────────▶ │ connected │ ──▶ onConnected listeners
 *   │            │ ◀───────────────────────── │           │
 *   └────────────┘  closed, or 2 pings of 1 s └───────────┘
 *      │      ▲     unanswered (frozen: 3 s)
 *      └──────┘ failed: 250 ms, next server
 *
 * The client library's own reconnecting is off. It would keep what is published while
 * there is no connection and send it later, long after the caller was told that the write
 * failed; and it cannot be closed before the first connection stands. Here a lost
 * connection takes its unsent bytes and pending requests with it.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(connection: NatsConnection) => void>();
  readonly #running: Promise<void>;
  /** Resolves when there is a connection; another one once that is lost. */
  #arrival = Promise.withResolvers<void>();
  #current: NatsConnection | undefined;
  #server: string | undefined;
  #lastError: string | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Of the subjects where this node's answers and deliveries arrive. */
  get inboxPrefix(): string {
    return inboxPrefix(this.#options.region);
  }

  get current(): NatsConnection | undefined {
    return this.#current;
  }

  /** `host:port` of the server connected to. */
  get server(): string | undefined {
    return this.#server;
  }

  /** Why the last attempt failed or the last connection ended, naming the server. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Aborts when `close` is called: everything that waits should end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Calls at once if connected, and again for every new connection. Returns how to stop. */
  onConnected(listener: (connection: NatsConnection) => void): () => void {
    this.#listeners.add(listener);
    if (this.#current) listener(this.#current);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * The connection, waited for until `deadlineMs` (of `performance.now()`).
   * @throws {StoreError} `store_unreachable`, `store_closed`
   */
  async connected(deadlineMs: number): Promise<NatsConnection> {
    if (!this.#current) {
      const waitMs = Math.max(0, deadlineMs - performance.now());
      await resolvesWithin(this.#arrival.promise, waitMs, this.closing);
    }
    if (this.closing.aborted) throw storeError('store_closed', 'the store was closed');
    if (this.#current) return this.#current;
    throw storeError(
      'store_unreachable',
      `no connection to the store: ${this.#lastError ?? 'none was tried yet'}`,
    );
  }

  async close(): Promise<void> {
    this.#closing.abort();
    void this.#current?.close().catch(ignore);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { servers } = this.#options;
    for (let attempt = 0; !this.closing.aborted; attempt++) {
      const server = new URL(servers[attempt % servers.length]!);
      try {
        const connection = await this.#connect(server);
        await this.#serve(connection, server);
      } catch (error) {
        this.#lastError = explain(server, error);
      }
      await sleep(retryMs, this.closing);
    }
  }

  async #connect(server: URL): Promise<NatsConnection> {
    const port = Number(server.port || 4222);
    await awaitGreeting(server.hostname, port, connectLimitMs);
    const { name, user = storeUser, secret, tls } = this.#options;
    return await connect({
      servers: [`${server.hostname}:${port}`],
      name,
      inboxPrefix: this.inboxPrefix,
      ...(secret && { user, pass: secret }),
      ...(tls && { tls: tlsOptions(tls, server.hostname) }),
      timeout: connectLimitMs,
      reconnect: false,
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
    });
  }

  /** Resolves when the connection has ended. */
  async #serve(connection: NatsConnection, server: URL): Promise<void> {
    if (this.closing.aborted) return await connection.close();
    this.#current = connection;
    this.#server = server.host;
    const ended = connection.closed();
    const frozen = this.#pingUntilMissed(connection);
    this.#arrival.resolve();
    for (const listener of this.#listeners) listener(connection);
    const reason = await Promise.race([ended, frozen]);
    this.#current = undefined;
    this.#server = undefined;
    this.#arrival = Promise.withResolvers();
    this.#lastError = explain(server, reason ?? 'the connection was closed');
    if (!this.closing.aborted) this.#options.onLost(this.#lastError);
    // Not awaited: nothing may wait for a server that does not answer.
    void connection.close().catch(ignore);
  }

  /** Resolves with the reason when the server stops answering; never if it closes. */
  #pingUntilMissed(connection: NatsConnection): Promise<Error> {
    return new Promise((resolve) => {
      const ping = async () => {
        for (let missed = 0; missed < pingsMissed; ) {
          await sleep(pingEveryMs, this.closing);
          if (connection.isClosed()) return;
          const answered = await resolvesWithin(connection.flush(), pingLimitMs, this.closing);
          missed = answered ? 0 : missed + 1;
        }
        resolve(new Error(`${connection.getServer()} stopped answering`));
      };
      ping().catch((error) => resolve(error));
    });
  }
}

/** The library hands what it does not know itself on to `tls.connect`. */
function tlsOptions({ ca, cert, key, serverName }: StoreTls, host: string): TlsOptions {
  // An address is no name for TLS (RFC 6066, section 3): then `serverName` must be given.
  const servername = serverName ?? (isIP(host) ? '' : host);
  return { ca, cert, key, servername, minVersion: 'TLSv1.3' } as TlsOptions;
}

/** Names the server, whether or not the error does. */
function explain({ host }: URL, error: unknown): string {
  const message = messageOf(error);
  return message.includes(host) ? message : `${host}: ${message}`;
}

function ignore(): void {}
