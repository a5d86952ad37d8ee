import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsContexts } from './tls-contexts.ts';

/** One costs as much as hundreds of queries. */
const perTurn = 2;
const limitMs = 5_000;

export interface HandshakesOptions {
  /** Handshakes and those that wait for one, at once; more are not taken. */
  readonly most: () => number;
  onSecure(socket: TLSSocket): void;
}

/**
 * Makes TLS connections of sockets, a few in each turn of the event loop, so that a burst of them
 * lets queries through that come meanwhile:
 *
 *   sockets ──▶ waiting ──2 per turn──▶ handshake ──▶ onSecure
 *                                          └ failed, or took 5 s: closed
 *
 * Who offers something else than `dot` (ALPN) is refused; who offers nothing is not, for ALPN came
 * after RFC 7858.
 */
export class Handshakes {
  readonly #options: HandshakesOptions;
  readonly #server: Server;
  /** Without those that have ended. */
  readonly #waiting = new Set<Socket>();
  readonly #begun = new Set<Socket>();
  #contexts: TlsContexts;
  #scheduled = false;

  constructor(contexts: TlsContexts, options: HandshakesOptions) {
    this.#contexts = contexts;
    this.#options = options;
    const { ticketKeys } = contexts;
    this.#server = createServer({
      ...contexts.options,
      ALPNProtocols: ['dot'],
      handshakeTimeout: limitMs,
      SNICallback: (name, done) => done(null, this.#contexts.find(name)),
      ...(ticketKeys && { ticketKeys }),
    });
    this.#server.on('secureConnection', (socket) => options.onSecure(socket));
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** For handshakes from now on. */
  use(contexts: TlsContexts): void {
    this.#contexts = contexts;
    this.#server.setSecureContext(contexts.options);
    if (contexts.ticketKeys) this.useTicketKeys(contexts.ticketKeys);
  }

  useTicketKeys(keys: Buffer): void {
    this.#server.setTicketKeys(keys);
  }

  take(socket: Socket): void {
    if (this.#waiting.size + this.#begun.size >= this.#options.most()) {
      socket.destroy();
      return;
    }
    // Until the TLS socket has it, nobody else hears of a reset.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#waiting.delete(socket);
      this.#begun.delete(socket);
    });
    this.#waiting.add(socket);
    this.#schedule();
  }

  destroyAll(): void {
    for (const socket of [...this.#waiting, ...this.#begun]) socket.destroy();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    let left = perTurn;
    for (const socket of this.#waiting) {
      if (left-- === 0) break;
      this.#waiting.delete(socket);
      this.#begun.add(socket);
      this.#server.emit('connection', socket);
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}
