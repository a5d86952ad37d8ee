import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { MeridianError, messageOf } from '../../base/errors.ts';
import type { Admission } from '../admission/admission.ts';
import type { Entrance } from '../exchange/forwarding.ts';
import type { GatewayErrorCode } from '../gateway-error.ts';
import { Arrival } from './arrival.ts';
import { readServerName } from './client-hello.ts';
import { takeFirstBytes } from './first-bytes.ts';
import type { HandshakePacer } from './handshake-pacer.ts';
import type { HttpsRedirect, ListenAddress, ListenerRequest } from './listener-options.ts';
import { parseProxyHead } from './proxy-protocol.ts';
import type { TlsChannel } from './tls-channel.ts';
import { TlsTerminator } from './tls-terminator.ts';
import { TrustedNetworks } from './trusted-networks.ts';

/** Why a connection that was accepted never carried a request. */
export type RefusedConnection = 'handshake' | 'proxyProtocol' | 'untrustedProxy';

export interface ListenerEvents {
  readonly reusePort: boolean;
  readonly tlsHandshakeMs: number;
  readonly pacer: HandshakePacer;
  /** Of what is accepted by that listener. */
  admission(listener: string): Admission;
  /** Of the clock of all admissions. */
  now(): number;
  /** Of the node, for TLS; it changes. */
  sessionSecret(): Uint8Array | undefined;
  /** A plain connection, or one after its handshake; `channel` where something depends on it. */
  onAccepted(
    listener: Listener,
    socket: Socket | TLSSocket,
    arrival: Arrival,
    channel: TlsChannel | undefined,
  ): void;
  onRefused(listener: string, why: RefusedConnection): void;
}

const backlog = 1_024;

/** What changes by a swap while the port stays open. */
interface Manner {
  readonly request: ListenerRequest;
  readonly terminator: TlsTerminator | undefined;
  readonly proxies: TrustedNetworks | undefined;
}

/**
 * One listening port of a thread. It accepts by a plain server, so that a socket has its
 * place before anything about it costs something:
 *
 *   port ──accept──▶ place ──▶ [PROXY head] ──▶ [first bytes ──▶ turn ──▶ handshake] ──▶ onAccepted
 *                                   └───────────── the manner ──────────┘
 *                    replaced by a swap: new connections meet the new certificates and rules,
 *                    older ones keep theirs
 */
export class Listener implements Entrance {
  readonly name: string;
  readonly #events: ListenerEvents;
  readonly #server: Server;
  #manner: Manner;
  #accepted = 0;
  #gone = false;

  /** Does not listen yet. @throws MeridianError `certificate_invalid` */
  constructor(request: ListenerRequest, events: ListenerEvents) {
    this.name = request.name;
    this.#events = events;
    this.#manner = this.#build(request);
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.#accepted++;
      const place = events.admission(this.name).admit(socket, events.now());
      if (place) this.#begin(new Arrival(socket, place));
    });
  }

  /** @throws MeridianError `listen_failed` naming listener and address */
  listen(): Promise<void> {
    const { request } = this.#manner;
    const { host, port } = request;
    const { reusePort } = this.#events;
    return new Promise((resolve, reject) => {
      this.#server.on('error', (cause) => reject(listenFailure(request, messageOf(cause), cause)));
      this.#server.listen({ host, port, backlog, reusePort }, resolve);
    });
  }

  get gone(): boolean {
    return this.#gone;
  }

  get protocol(): 'http' | 'https' {
    return this.#manner.terminator ? 'https' : 'http';
  }

  get http2(): boolean {
    return this.#manner.request.http2 ?? false;
  }

  get redirect(): HttpsRedirect | undefined {
    return this.#manner.request.redirect;
  }

  /** Whether it is that of the inter-region link. */
  get isLink(): boolean {
    return this.#manner.request.identity !== undefined;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? this.#manner.request.port;
  }

  /** Whether it listens where it is asked to. */
  isAt({ host, port }: ListenAddress): boolean {
    const { request } = this.#manner;
    return request.host === host && (request.port === port || this.port === port);
  }

  /** Whether nobody else can listen there while it does, or would share its connections. */
  overlaps({ host, port }: ListenAddress): boolean {
    const hosts = [host, this.#manner.request.host];
    const shared = hosts[0] === hosts[1] || hosts.some((one) => one === '0.0.0.0' || one === '::');
    return shared && port !== 0 && port === this.port;
  }

  /**
   * Builds what new connections are to be met with, and returns what puts it in place, which
   * cannot fail.
   *
   * @throws MeridianError `certificate_invalid`
   */
  renewal(request: ListenerRequest): () => void {
    const next = this.#build(request, this.#manner);
    return () => {
      this.#manner = next;
      this.useSessionSecret();
    };
  }

  /** That of the node has changed. */
  useSessionSecret(): void {
    this.#manner.terminator?.useSessionSecret();
  }

  /**
   * Accepts no more, and resolves when its port is free. What the kernel has accepted by
   * now still comes in: closing a socket resets what waits in its queue. That is read first,
   * which takes a turn of the event loop for each, and at most a queue of them.
   */
  async leave(): Promise<void> {
    this.#gone = true;
    const first = this.#accepted;
    for (let quiet = 0, seen = first; quiet < 2 && seen - first < backlog; seen = this.#accepted) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#accepted === seen ? quiet + 1 : 0;
    }
    this.#server.close();
  }

  /** Frees its port at once. Connections that were accepted stay. */
  close(): void {
    this.#gone = true;
    this.#server.close();
  }

  #begin(arrival: Arrival): void {
    const { proxies } = this.#manner;
    if (!proxies) this.#afterProxy(arrival);
    else if (proxies.has(arrival.socket.remoteAddress)) this.#readProxyHead(arrival);
    else {
      // Whoever else connects would be free to choose the address that it is taken for.
      arrival.socket.destroy();
      this.#events.onRefused(this.name, 'untrustedProxy');
    }
  }

  #readProxyHead(arrival: Arrival): void {
    const { socket } = arrival;
    takeFirstBytes(socket, {
      limitMs: this.#events.tlsHandshakeMs,
      look: (bytes) => {
        const head = parseProxyHead(bytes);
        if (head?.source !== undefined) arrival.address = head.source;
        return head?.length;
      },
      onTaken: () => this.#afterProxy(arrival),
      onRefused: () => this.#events.onRefused(this.name, 'proxyProtocol'),
    });
  }

  #afterProxy(arrival: Arrival): void {
    const { terminator } = this.#manner;
    const { socket } = arrival;
    if (terminator) this.#readHello(arrival, terminator);
    else {
      this.#events.onAccepted(this, socket, arrival, undefined);
      if (socket.isPaused()) socket.resume();
    }
  }

  /** A connection that never says a word is never given the memory of a handshake. */
  #readHello(arrival: Arrival, terminator: TlsTerminator): void {
    const { socket } = arrival;
    takeFirstBytes(socket, {
      limitMs: this.#events.tlsHandshakeMs,
      look: (bytes) => {
        if (!terminator.readsServerName) return 0;
        const seen = readServerName(bytes);
        arrival.serverName = seen?.name;
        return seen && 0;
      },
      onTaken: () =>
        this.#events.pacer.begin(() => {
          if (!socket.destroyed) terminator.take(arrival);
        }),
      onRefused: () => this.#events.onRefused(this.name, 'handshake'),
    });
    if (socket.isPaused()) socket.resume();
  }

  #build(request: ListenerRequest, before?: Manner): Manner {
    const { proxies } = request;
    return {
      request,
      terminator: this.#terminator(request, before),
      proxies: proxies && new TrustedNetworks(proxies),
    };
  }

  /** The same one where nothing of it changes. */
  #terminator(request: ListenerRequest, before: Manner | undefined): TlsTerminator | undefined {
    const { name, host, port, tls, identity, http2 = false } = request;
    const of = identity ?? tls;
    if (!of) return undefined;
    const old = before?.request;
    const oldOf = old?.identity ?? old?.tls;
    if (isDeepStrictEqual([of, http2], [oldOf, old?.http2 ?? false])) return before?.terminator;
    return new TlsTerminator(of, {
      name,
      whose: `${name} on ${host}:${port}`,
      handshakeMs: this.#events.tlsHandshakeMs,
      http2,
      sessionSecret: () => this.#events.sessionSecret(),
      onSecure: (socket, arrival, channel) =>
        this.#events.onAccepted(this, socket, arrival, channel),
      onRefused: () => this.#events.onRefused(name, 'handshake'),
    });
  }
}

export function listenFailure(
  { name, host, port }: ListenerRequest,
  why: string,
  cause?: unknown,
): MeridianError<GatewayErrorCode> {
  const message = `cannot listen for ${name} on ${host}:${port}: ${why}`;
  return new MeridianError('listen_failed', message, { cause, details: { host, port } });
}
