import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import { QueryOrigin } from './query-origin.ts';
import type { Responder } from './responder.ts';
import { TcpConnection, tcpOutputBytes } from './tcp-connection.ts';
import type { OnAnswered } from './udp.ts';

export interface TcpLimits {
  /** Connections at once; for one more, that which was idle for longest is closed. */
  readonly connections: number;
  /** Time without a whole query (or without reading answers) until we close (RFC 7766 6.2.3). */
  readonly idleMs: number;
  /** The same when more than half of `connections` are in use. */
  readonly crowdedIdleMs: number;
}

export const defaultTcpLimits: TcpLimits = {
  connections: 1_000,
  idleMs: 37_000,
  crowdedIdleMs: 10_000,
};

export interface TcpListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly responder: Responder;
  readonly onAnswered: OnAnswered;
  readonly limits: TcpLimits;
  readonly clock: Clock;
}

/** How often idle connections are looked for. */
const sweepMs = 1_000;
/** What a retired listener gives its clients to read their answers. */
const retirementMs = 5_000;

export class TcpListener {
  readonly #server: Server;
  readonly #options: TcpListenerOptions;
  readonly #connections = new Set<TcpConnection>();
  readonly #output = Buffer.allocUnsafeSlow(tcpOutputBytes);
  readonly #closed: Promise<unknown>;
  #sweep: Timer | undefined;

  private constructor(options: TcpListenerOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#closed = new Promise((resolve) => this.#server.once('close', resolve));
  }

  /** Bound and answering. Rejects with the system's error when the address cannot be had. */
  static async open(options: TcpListenerOptions): Promise<TcpListener> {
    const listener = new TcpListener(options);
    const { host, port, reusePort } = options;
    listener.#server.listen({ host, port, reusePort, exclusive: true });
    await once(listener.#server, 'listening');
    // Only failed accepts (EMFILE) come up here; the listener itself goes on.
    listener.#server.on('error', () => {});
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #accept(socket: Socket): void {
    const { responder, onAnswered, clock, limits } = this.#options;
    const source = socket.remoteAddress;
    if (source === undefined) {
      socket.destroy();
      return;
    }
    if (this.#connections.size >= limits.connections) this.#closeIdlest();
    const nowMs = () => clock.monotonicMs();
    const origin = new QueryOrigin('tcp', source);
    const respond = (message: Buffer, output: Buffer) => {
      const startMs = nowMs();
      origin.idleMs = this.#idleMs;
      const length = responder.respond(message, message.length, origin, output);
      if (length > 0) onAnswered(nowMs() - startMs);
      return length;
    };
    const connection = new TcpConnection(socket, respond, this.#output, nowMs);
    this.#connections.add(connection);
    socket.once('close', () => this.#forget(connection));
    this.#sweep ??= clock.after(sweepMs, () => this.#closeIdle());
  }

  #closeIdlest(): void {
    let idlest: TcpConnection | undefined;
    for (const connection of this.#connections) {
      if (!idlest || connection.progressAtMs < idlest.progressAtMs) idlest = connection;
    }
    if (!idlest) return;
    idlest.destroy();
    this.#forget(idlest);
  }

  #forget(connection: TcpConnection): void {
    this.#connections.delete(connection);
  }

  /** What holds for all connections as long as there are as many as now. */
  get #idleMs(): number {
    const { connections, crowdedIdleMs, idleMs } = this.#options.limits;
    return this.#connections.size > connections / 2 ? crowdedIdleMs : idleMs;
  }

  #closeIdle(): void {
    const { clock } = this.#options;
    const oldest = clock.monotonicMs() - this.#idleMs;
    for (const connection of this.#connections) {
      if (connection.progressAtMs <= oldest) connection.destroy();
    }
    const again = this.#connections.size > 0;
    this.#sweep = again ? clock.after(sweepMs, () => this.#closeIdle()) : undefined;
  }

  /**
   * Takes no more connections. Those there are end when what they asked is answered and read,
   * and after 5 s in any case.
   */
  async retire(): Promise<void> {
    this.#server.close();
    for (const connection of this.#connections) connection.finish();
    const deadline = this.#options.clock.after(retirementMs, () => this.#destroyAll());
    await this.#closed;
    deadline.cancel();
    this.#sweep?.cancel();
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    this.#sweep?.cancel();
    this.#server.close();
    this.#destroyAll();
    await this.#closed;
  }

  #destroyAll(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}
