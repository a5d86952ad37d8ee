import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TcpLimits } from './connections.ts';
import { SourceCounts } from './source-counts.ts';
import type { TlsContexts } from './tls-contexts.ts';

/** One costs as much as hundreds of queries. */
const perTurn = 2;
const limitMs = 5_000;

export interface HandshakesOptions {
  /** As they are now. What waits for its handshake counts as what is in one. */
  readonly limits: () => Pick<TcpLimits, 'connections' | 'perSource'>;
  onSecure(socket: TLSSocket): void;
}

interface Pending {
  readonly peer: string;
  readonly source: string;
  readonly socket: Socket;
}

/**
 * Makes TLS connections of sockets, a few in each turn of the event loop, so that a burst of them
 * lets queries through that come meanwhile:
 *
 *   sockets ──▶ waiting ──2 per turn──▶ handshake ──▶ onSecure
 *                                          └ failed, took 5 s, or is the oldest of too many: closed
 *
 * Who offers something else than `dot` (ALPN) is refused; who offers nothing is not, for ALPN came
 * after RFC 7858.
 */
export class Handshakes {
  readonly #options: HandshakesOptions;
  readonly #server: Server;
  /** By the peer, the oldest first: a TLS socket does not tell which socket it wraps. */
  readonly #pending = new Map<string, Pending>();
  /** Of these, those that have not begun. */
  readonly #waiting = new Set<Pending>();
  readonly #sources = new SourceCounts();
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
    this.#server.on('secureConnection', (socket) => {
      const pending = this.#pending.get(peerOf(socket));
      if (pending) this.#forget(pending);
      options.onSecure(socket);
    });
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
    const { connections, perSource } = this.#options.limits();
    const sources = this.#sources;
    const source = sources.sourceOf(socket.remoteAddress ?? '');
    if (sources.of(source) >= perSource) {
      socket.destroy();
      return;
    }
    const [oldest] = this.#pending.values();
    if (oldest && this.#pending.size >= connections) oldest.socket.destroy();
    const pending = { peer: peerOf(socket), source, socket };
    this.#pending.set(pending.peer, pending);
    this.#waiting.add(pending);
    sources.add(source);
    // Until the TLS socket has it, nobody else hears of a reset.
    socket.on('error', () => {});
    socket.once('close', () => this.#forget(pending));
    this.#schedule();
  }

  destroyAll(): void {
    for (const { socket } of this.#pending.values()) socket.destroy();
  }

  /** It is secure, or has ended. */
  #forget(pending: Pending): void {
    if (this.#pending.get(pending.peer) !== pending) return;
    this.#pending.delete(pending.peer);
    this.#waiting.delete(pending);
    this.#sources.remove(pending.source);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    let left = perTurn;
    for (const pending of this.#waiting) {
      if (left-- === 0) break;
      this.#waiting.delete(pending);
      this.#server.emit('connection', pending.socket);
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
