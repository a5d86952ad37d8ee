import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Place } from '../admission/admission.ts';
import type { ConnectionOrigin } from '../exchange/forwarding.ts';
import type { Runtime } from '../runtime.ts';
import type { Client } from './client.ts';
import { ClientConnection } from './connection.ts';
import { Http2Connection } from './http2-connection.ts';
import type { RequestTaker } from './request-taker.ts';
import { UndecidedConnection } from './undecided-connection.ts';

/**
 * The client connections of one thread. Which version one speaks is agreed on with TLS (ALPN);
 * in clear its first octets tell, where both are spoken.
 */
export class Clients implements Iterable<Client> {
  readonly #runtime: Runtime;
  readonly #taker: RequestTaker;
  readonly #all = new Set<Client>();
  #whenEmpty: (() => void) | undefined;

  constructor(runtime: Runtime, taker: RequestTaker) {
    this.#runtime = runtime;
    this.#taker = taker;
  }

  [Symbol.iterator](): IterableIterator<Client> {
    return [...this.#all].values();
  }

  accept(socket: Socket, origin: ConnectionOrigin, place: Place): void {
    this.#runtime.generation.metrics.connectionOpened(origin.listener);
    if (socket instanceof TLSSocket) {
      this.#create(socket.alpnProtocol === 'h2' ? 'http2' : 'http1', socket, origin, place);
    } else if (origin.entrance.http2) this.#watch(socket, origin, place);
    else this.#create('http1', socket, origin, place);
  }

  #watch(socket: Socket, origin: ConnectionOrigin, place: Place): void {
    const undecided = new UndecidedConnection(this.#runtime, socket, origin, {
      onDecided: (version, bytes) => {
        this.#all.delete(undecided);
        this.#create(version, socket, origin, place).receive(bytes);
      },
      onClosed: () => this.closed(undecided),
    });
    this.#all.add(undecided);
  }

  #create(
    version: 'http1' | 'http2',
    socket: Socket,
    origin: ConnectionOrigin,
    place: Place,
  ): ClientConnection | Http2Connection {
    const Connection = version === 'http2' ? Http2Connection : ClientConnection;
    const client = new Connection(this.#runtime, this.#taker, socket, origin, place);
    this.#all.add(client);
    // What came behind the head of a proxy, or along with the last of the handshake.
    if (socket.readableLength > 0) client.receive(socket.read());
    return client;
  }

  /** Lets go of them: see `Client.drain`. */
  drain(last: boolean): void {
    for (const client of this) client.drain(last);
  }

  closed(client: Client): void {
    this.#runtime.generation.metrics.connectionClosed(client.origin.listener);
    this.#all.delete(client);
    if (this.#all.size === 0) this.#whenEmpty?.();
  }

  /** Ends those that are left after `limitMs`. */
  async close(limitMs: number): Promise<void> {
    this.drain(true);
    if (this.#all.size > 0) await this.#emptyOrLate(limitMs);
    for (const client of this) client.abort();
  }

  #emptyOrLate(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(resolve, limitMs);
      this.#whenEmpty = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }
}
