import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { MeridianError, messageOf } from '../base/errors.ts';
import {
  frameProtocol,
  type LinkIdentity,
  linkServerOptions,
  peerRegionOf,
} from '../link/identity.ts';
import { acceptFrames } from '../link/receiver.ts';
import type { Admission, Place } from './admission.ts';
import { ConnectionOrigin } from './forwarding.ts';
import type { ListenerName } from './runtime.ts';

/** Where to listen. Port 0: any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface ListenOptions {
  readonly http?: ListenAddress;
  /** PEM texts; TLS 1.2 and later. */
  readonly https?: ListenAddress & { readonly cert: string; readonly key: string };
  readonly link?: ListenAddress & { readonly identity: LinkIdentity };
}

export interface ListenerEvents {
  readonly reusePort: boolean;
  readonly tlsHandshakeMs: number;
  isRegion(name: string): boolean;
  /** Of what is accepted by that listener. */
  admission(listener: ListenerName): Admission;
  /** Of the clock of all admissions. */
  now(): number;
  /** A connection that carries requests. */
  onConnection(socket: Socket, origin: ConnectionOrigin, place: Place): void;
  onFrame(peerRegion: string, frame: Buffer): void;
}

const backlog = 1_024;
const plainOptions = { noDelay: true, allowHalfOpen: true } as const;
/** A client that ends before the handshake has: only after it may a side close by itself. */
const handshakeOptions = { noDelay: true, allowHalfOpen: false } as const;

/** The servers of one gateway thread. */
export class Listeners {
  readonly #servers = new Map<ListenerName, Server>();
  /** Sockets that carry frames, not requests. */
  readonly #frameSockets = new Set<TLSSocket>();

  /** Listens on everything given, or on nothing: throws `listen_failed` naming the address. */
  static async open(options: ListenOptions, events: ListenerEvents): Promise<Listeners> {
    const listeners = new Listeners();
    try {
      if (options.http) await listeners.#listen('http', options.http, plainServer(events), events);
      if (options.https) {
        const server = tlsServer(options.https, events);
        await listeners.#listen('https', options.https, server, events);
      }
      if (options.link) {
        const server = listeners.#linkServer(options.link.identity, events);
        await listeners.#listen('link', options.link, server, events);
      }
    } catch (error) {
      listeners.close();
      throw error;
    }
    return listeners;
  }

  port(name: ListenerName): number | undefined {
    return (this.#servers.get(name)?.address() as AddressInfo | null | undefined)?.port;
  }

  /** Accepts no more. Connections that carry requests stay; frame connections end. */
  close(): void {
    for (const server of this.#servers.values()) server.close();
    for (const socket of this.#frameSockets) socket.destroy();
  }

  #listen(
    name: ListenerName,
    { host, port }: ListenAddress,
    server: Server,
    { reusePort }: ListenerEvents,
  ): Promise<void> {
    this.#servers.set(name, server);
    return new Promise((resolve, reject) => {
      server.on('error', (cause) => {
        const message = `cannot listen for ${name} on ${host}:${port}: ${messageOf(cause)}`;
        reject(new MeridianError('listen_failed', message, { cause, details: { host, port } }));
      });
      server.listen({ host, port, backlog, reusePort }, resolve);
    });
  }

  #linkServer(identity: LinkIdentity, events: ListenerEvents): Server {
    return secureServer('link', linkServerOptions(identity), events, (socket, place) => {
      const peerRegion = peerRegionOf(socket, events.isRegion);
      if (peerRegion === undefined) socket.destroy();
      else if (socket.alpnProtocol === frameProtocol) {
        place.work();
        this.#acceptFrames(socket, peerRegion, events);
      } else {
        const origin = new ConnectionOrigin('link', socket.remoteAddress, peerRegion);
        events.onConnection(socket, origin, place);
      }
    });
  }

  #acceptFrames(socket: TLSSocket, peerRegion: string, events: ListenerEvents): void {
    this.#frameSockets.add(socket);
    socket.on('close', () => this.#frameSockets.delete(socket));
    socket.on('end', () => socket.end());
    acceptFrames(socket, peerRegion, (region, frame) => events.onFrame(region, frame));
  }
}

function plainServer(events: ListenerEvents): Server {
  return createTcpServer(plainOptions, (socket) => {
    const place = events.admission('http').admit(socket, events.now());
    if (!place) return;
    events.onConnection(socket, new ConnectionOrigin('http', socket.remoteAddress), place);
  });
}

function tlsServer({ cert, key }: { cert: string; key: string }, events: ListenerEvents): Server {
  const options: TlsOptions = { cert, key, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] };
  return secureServer('https', options, events, (socket, place) => {
    const origin = new ConnectionOrigin('https', socket.remoteAddress);
    events.onConnection(socket, origin, place);
  });
}

/**
 * Accepts by a plain server, so that a socket has its place before a handshake costs
 * anything. A TLS socket does not tell which socket it wraps; their addresses do.
 */
function secureServer(
  listener: ListenerName,
  options: TlsOptions,
  events: ListenerEvents,
  onSecure: (socket: TLSSocket, place: Place) => void,
): Server {
  const places = new Map<string, Place>();
  const server = createTlsServer({ ...options, handshakeTimeout: events.tlsHandshakeMs });
  server.on('tlsClientError', endHandshake);
  server.on('secureConnection', (socket) => {
    const place = places.get(addressesOf(socket));
    if (!place) {
      socket.destroy();
      return;
    }
    socket.allowHalfOpen = true;
    onSecure(socket, place);
  });
  return createTcpServer(handshakeOptions, (socket) => {
    const place = events.admission(listener).admit(socket, events.now());
    if (!place) return;
    const addresses = addressesOf(socket);
    places.set(addresses, place);
    socket.on('close', () => {
      if (places.get(addresses) === place) places.delete(addresses);
    });
    server.emit('connection', socket);
  });
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
