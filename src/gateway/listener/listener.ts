import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import {
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from 'node:tls';
import { MeridianError, messageOf } from '../../base/errors.ts';
import { linkServerOptions } from '../../link/identity.ts';
import type { Admission, Place } from '../admission.ts';
import type { Entrance } from '../forwarding.ts';
import type { GatewayErrorCode } from '../gateway-error.ts';
import type { ListenerName } from '../runtime.ts';
import { assertUsable, isSameMaterial, type TlsMaterial } from './certificates.ts';

/** Where to listen. Port 0: any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What one listener is asked to be. */
export type ListenerRequest =
  | { readonly name: 'http'; readonly at: ListenAddress; readonly tls: undefined }
  | { readonly name: 'https'; readonly at: ListenAddress; readonly tls: TlsMaterial }
  | { readonly name: 'link'; readonly at: ListenAddress; readonly tls: Required<TlsMaterial> };

export interface ListenerEvents {
  readonly reusePort: boolean;
  readonly tlsHandshakeMs: number;
  /** Of what is accepted by that listener. */
  admission(listener: ListenerName): Admission;
  /** Of the clock of all admissions. */
  now(): number;
  /** A plain connection, or one after its handshake. */
  onAccepted(listener: Listener, socket: Socket | TLSSocket, place: Place): void;
}

const backlog = 1_024;
const plainOptions = { noDelay: true, allowHalfOpen: true } as const;
/** A client that ends before the handshake has: only after it may a side close by itself. */
const handshakeOptions = { noDelay: true, allowHalfOpen: false } as const;

/**
 * One listening port of a thread. It accepts by a plain server, so that a socket has its
 * place before a handshake costs anything; the handshake is that of a TLS server which does
 * not listen and can be replaced while the port stays open:
 *
 *   port ──accept──▶ place ──▶ TLS server ──handshake──▶ onAccepted
 *                                  ▲
 *                                  └ renewed by a swap: new handshakes meet the new
 *                                    certificate, older connections keep theirs
 */
export class Listener implements Entrance {
  readonly name: ListenerName;
  readonly #request: ListenerRequest;
  readonly #events: ListenerEvents;
  readonly #server: Server;
  /** Of connections in TLS, until they close. A TLS socket does not tell which socket it wraps; their addresses do. */
  readonly #places = new Map<string, Place>();
  #material: TlsMaterial | undefined;
  #tls: TlsServer | undefined;
  #accepted = 0;
  #gone = false;

  /** Does not listen yet. @throws MeridianError `certificate_invalid` */
  constructor(request: ListenerRequest, events: ListenerEvents) {
    this.name = request.name;
    this.#request = request;
    this.#events = events;
    this.renewal(request)?.();
    const secure = request.tls !== undefined;
    this.#server = createTcpServer(secure ? handshakeOptions : plainOptions, (socket) => {
      this.#accepted++;
      const place = events.admission(this.name).admit(socket, events.now());
      if (!place) return;
      if (secure) this.#shakeHands(socket, place);
      else events.onAccepted(this, socket, place);
    });
  }

  /** @throws MeridianError `listen_failed` naming listener and address */
  listen(): Promise<void> {
    const { host, port } = this.#request.at;
    const { reusePort } = this.#events;
    return new Promise((resolve, reject) => {
      this.#server.on('error', (cause) =>
        reject(listenFailure(this.#request, messageOf(cause), cause)),
      );
      this.#server.listen({ host, port, backlog, reusePort }, resolve);
    });
  }

  get gone(): boolean {
    return this.#gone;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? this.#request.at.port;
  }

  /** Whether it listens where it is asked to. */
  isAt({ host, port }: ListenAddress): boolean {
    const { at } = this.#request;
    return at.host === host && (at.port === port || this.port === port);
  }

  /** Whether nobody else can listen there while it does, or would share its connections. */
  overlaps({ host, port }: ListenAddress): boolean {
    const hosts = [host, this.#request.at.host];
    const shared = hosts[0] === hosts[1] || hosts.some((one) => one === '0.0.0.0' || one === '::');
    return shared && port !== 0 && port === this.port;
  }

  /**
   * Builds what new handshakes are to be made with, and returns what puts it in place,
   * which cannot fail; `undefined`: nothing has changed, and sessions can be resumed.
   *
   * @throws MeridianError `certificate_invalid`
   */
  renewal({ name, at, tls }: ListenerRequest): (() => void) | undefined {
    if (!tls || (this.#material && isSameMaterial(tls, this.#material))) return undefined;
    assertUsable(tls, `${name} on ${at.host}:${at.port}`);
    const server = this.#tlsServer(name === 'link' ? linkServerOptions(tls) : httpsOptions(tls));
    return () => {
      this.#material = tls;
      this.#tls = server;
    };
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

  #shakeHands(socket: Socket, place: Place): void {
    const addresses = addressesOf(socket);
    this.#places.set(addresses, place);
    socket.on('close', () => {
      if (this.#places.get(addresses) === place) this.#places.delete(addresses);
    });
    this.#tls!.emit('connection', socket);
  }

  #tlsServer(options: TlsOptions): TlsServer {
    const server = createTlsServer({ ...options, handshakeTimeout: this.#events.tlsHandshakeMs });
    server.on('tlsClientError', endHandshake);
    server.on('secureConnection', (socket) => {
      const place = this.#places.get(addressesOf(socket));
      if (!place) {
        socket.destroy();
        return;
      }
      socket.allowHalfOpen = true;
      this.#events.onAccepted(this, socket, place);
    });
    return server;
  }
}

export function listenFailure(
  { name, at: { host, port } }: ListenerRequest,
  why: string,
  cause?: unknown,
): MeridianError<GatewayErrorCode> {
  const message = `cannot listen for ${name} on ${host}:${port}: ${why}`;
  return new MeridianError('listen_failed', message, { cause, details: { host, port } });
}

function httpsOptions({ cert, key }: TlsMaterial): TlsOptions {
  return { cert, key, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] };
}

/** Tells the open sockets of one port apart. */
function addressesOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress}`;
}

/**
 * A handshake failed or passed its limit, which counts from its start: nothing of it
 * reaches the socket's timer. `node:tls` only tells; nobody else would close the socket.
 */
function endHandshake(_error: Error, socket: TLSSocket): void {
  socket.destroy();
}
