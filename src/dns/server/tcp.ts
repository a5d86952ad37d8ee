import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import { isTransfer } from '../transfer/transfer-server.ts';
import { Connections, type TcpLimits } from './connections.ts';
import { Handshakes } from './handshakes.ts';
import { QueryOrigin } from './query-origin.ts';
import type { Responder } from './responder.ts';
import { TcpConnection, tcpOutputBytes } from './tcp-connection.ts';
import type { TlsContexts } from './tls-contexts.ts';
import type { OnAnswered } from './udp.ts';

export interface TcpListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly responder: Responder;
  readonly onAnswered: OnAnswered;
  /** As they are now. */
  readonly limits: () => TcpLimits;
  readonly clock: Clock;
  /** DNS over TLS (RFC 7858). Without, in clear. */
  readonly tls?: TlsContexts;
}

/** How often idle connections are looked for. */
const sweepMs = 1_000;
/** What a retired listener gives its clients to read their answers. */
const retirementMs = 5_000;

/** DNS over TCP, in clear or over TLS. */
export class TcpListener {
  readonly #server: Server;
  readonly #options: TcpListenerOptions;
  readonly #connections: Connections;
  /** Over TLS. */
  readonly #handshakes: Handshakes | undefined;
  readonly #output = Buffer.allocUnsafeSlow(tcpOutputBytes);
  readonly #closed: Promise<unknown>;
  #sweep: Timer | undefined;

  private constructor(options: TcpListenerOptions) {
    this.#options = options;
    this.#connections = new Connections(options.limits);
    this.#handshakes =
      options.tls &&
      new Handshakes(options.tls, {
        limits: options.limits,
        onSecure: (socket) => this.#accept(socket),
      });
    this.#server = createServer({ noDelay: true }, (socket) => {
      if (this.#handshakes) this.#handshakes.take(socket);
      else this.#accept(socket);
    });
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

  /** For handshakes from now on; connections there are stay. Only of a listener over TLS. */
  useTls(contexts: TlsContexts): void {
    this.#handshakes?.use(contexts);
  }

  useTicketKeys(keys: Buffer): void {
    this.#handshakes?.useTicketKeys(keys);
  }

  #accept(socket: Socket): void {
    const { responder, onAnswered, clock, tls } = this.#options;
    const source = socket.remoteAddress;
    if (source === undefined) {
      socket.destroy();
      return;
    }
    const connections = this.#connections;
    connections.makeRoom(source);
    const nowMs = () => clock.monotonicMs();
    const origin = new QueryOrigin(tls ? 'tls' : 'tcp', source);
    const respond = (message: Buffer, output: Buffer) => {
      const startMs = nowMs();
      origin.idleMs = connections.idleMs;
      const length = responder.respond(message, message.length, origin, output);
      if (length > 0) onAnswered(nowMs() - startMs);
      if (!isTransfer(responder.type)) return length;
      return responder.transfer(Buffer.from(message), source, output) ?? length;
    };
    const connection = new TcpConnection(socket, respond, this.#output, nowMs);
    connections.add(source, connection);
    socket.once('close', () => connections.remove(connection));
    this.#sweep ??= clock.after(sweepMs, () => this.#closeIdle());
  }

  #closeIdle(): void {
    const { clock } = this.#options;
    const connections = this.#connections;
    connections.closeIdle(clock.monotonicMs() - connections.idleMs);
    const again = connections.size > 0;
    this.#sweep = again ? clock.after(sweepMs, () => this.#closeIdle()) : undefined;
  }

  /**
   * Takes no more connections. Those there are end when what they asked is answered and read,
   * and after 5 s in any case.
   */
  async retire(): Promise<void> {
    this.#server.close();
    this.#connections.finishAll();
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
    this.#connections.destroyAll();
    this.#handshakes?.destroyAll();
  }
}
