import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { frameProtocol, peerRegionOf } from '../../link/identity.ts';
import { acceptFrames } from '../../link/receiver.ts';
import type { Place } from '../admission/admission.ts';
import { ConnectionOrigin } from '../exchange/forwarding.ts';
import type { Arrival } from './arrival.ts';
import { HandshakePacer } from './handshake-pacer.ts';
import { Listener, type ListenerEvents, listenFailure } from './listener.ts';
import type { ListenerRequest, ListenOptions } from './listener-options.ts';
import type { TlsChannel } from './tls-channel.ts';

export type { ListenAddress, ListenOptions } from './listener-options.ts';

export interface ListenersEvents
  extends Omit<ListenerEvents, 'onAccepted' | 'pacer' | 'sessionSecret'> {
  /** How many handshakes begin in one turn of the event loop. */
  readonly handshakesPerTurn: number;
  isRegion(name: string): boolean;
  /** A connection that carries requests. */
  onConnection(socket: Socket, origin: ConnectionOrigin, place: Place): void;
  onFrame(peerRegion: string, frame: Buffer): void;
}

/** Listeners that are bound and certificates that are parsed, but not in place yet. */
export interface PreparedListeners {
  /** Puts them in place; those that are asked for no more stop accepting. */
  commit(): void;
  /** Closes what was bound. What came in by it meanwhile is to leave. */
  abandon(): void;
}

/**
 * The listeners of one gateway thread. One that stays where it is, is never closed nor
 * opened anew: that would reset what waits in its accept queue.
 *
 * A listener that was prepared accepts at once, and serves what the others serve.
 */
export class Listeners {
  readonly #events: ListenersEvents;
  readonly #pacer: HandshakePacer;
  readonly #listeners = new Map<string, Listener>();
  /** Sockets that carry frames, not requests, with the region on the other side. */
  readonly #frameSockets = new Map<TLSSocket, string>();
  /** Ports of listeners that are gone may still be taken until then. */
  #left: Promise<unknown> = Promise.resolve();

  #sessionSecret: Uint8Array | undefined;

  /** `sessionSecret`: see `useSessionSecret`. */
  constructor(events: ListenersEvents, sessionSecret: Uint8Array | undefined) {
    this.#events = events;
    this.#pacer = new HandshakePacer(events.handshakesPerTurn);
    this.#sessionSecret = sessionSecret;
  }

  /** By the names of those that listen. */
  get ports(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#listeners].map(([name, { port }]) => [name, port]));
  }

  /**
   * Lets TLS sessions be resumed at every thread that has the same secret
   * (`sessionSecretBytes`). Those of the secret before cannot be resumed any more.
   */
  useSessionSecret(secret: Uint8Array): void {
    this.#sessionSecret = secret;
    for (const listener of this.#listeners.values()) listener.useSessionSecret();
  }

  /**
   * Does everything that can fail. When it rejects, nothing has changed.
   *
   * @throws MeridianError `listen_failed`, `certificate_invalid`, both naming the listener
   */
  async prepare(options: ListenOptions): Promise<PreparedListeners> {
    await this.#left;
    const requests = requestsOf(options);
    const renewals: (() => void)[] = [];
    const added: Listener[] = [];
    for (const request of requests) {
      const kept = this.#kept(request);
      if (kept) renewals.push(kept.renewal(request));
      else added.push(this.#create(request));
    }
    const gone = [...this.#listeners.values()].filter(
      (listener) => !requests.some((request) => this.#kept(request) === listener),
    );
    try {
      for (const listener of added) await listener.listen();
    } catch (error) {
      for (const listener of added) listener.close();
      throw error;
    }
    return {
      commit: () => this.#replace(gone, added, renewals),
      abandon: () => {
        for (const listener of added) listener.close();
      },
    };
  }

  /** Ends the frame connections of regions that are configured no more. */
  dropStrangers(): void {
    for (const [socket, region] of this.#frameSockets) {
      if (!this.#events.isRegion(region)) socket.destroy();
    }
  }

  /** Accepts no more. Connections that carry requests stay; frame connections end. */
  async close(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map((listener) => listener.leave()));
    for (const socket of this.#frameSockets.keys()) socket.destroy();
  }

  #kept(request: ListenerRequest): Listener | undefined {
    const listener = this.#listeners.get(request.name);
    return listener?.isAt(request) ? listener : undefined;
  }

  #create(request: ListenerRequest): Listener {
    for (const other of this.#listeners.values()) {
      // With `reusePort` the kernel would not mind, and give each a part of the connections.
      if (other.name !== request.name && other.overlaps(request)) {
        throw listenFailure(request, `${other.name} is served there until this revision is`);
      }
    }
    return new Listener(request, {
      ...this.#events,
      pacer: this.#pacer,
      sessionSecret: () => this.#sessionSecret,
      onAccepted: (listener, socket, arrival, channel) =>
        this.#accept(listener, socket, arrival, channel),
    });
  }

  #replace(
    gone: readonly Listener[],
    added: readonly Listener[],
    renewals: readonly (() => void)[],
  ): void {
    for (const renew of renewals) renew();
    for (const listener of gone) this.#listeners.delete(listener.name);
    for (const listener of added) this.#listeners.set(listener.name, listener);
    this.#left = Promise.all(gone.map((listener) => listener.leave()));
  }

  #accept(
    listener: Listener,
    socket: Socket | TLSSocket,
    { address, place }: Arrival,
    channel: TlsChannel | undefined,
  ): void {
    if (!listener.isLink || !(socket instanceof TLSSocket)) {
      const origin = new ConnectionOrigin(listener, address, undefined, channel);
      this.#events.onConnection(socket, origin, place);
      return;
    }
    const peerRegion = peerRegionOf(socket, this.#events.isRegion);
    if (peerRegion === undefined) socket.destroy();
    else if (socket.alpnProtocol === frameProtocol) {
      place.work();
      this.#acceptFrames(socket, peerRegion);
    } else {
      const origin = new ConnectionOrigin(listener, address, peerRegion);
      this.#events.onConnection(socket, origin, place);
    }
  }

  #acceptFrames(socket: TLSSocket, peerRegion: string): void {
    this.#frameSockets.set(socket, peerRegion);
    socket.on('close', () => this.#frameSockets.delete(socket));
    socket.on('end', () => socket.end());
    acceptFrames(socket, peerRegion, (region, frame) => this.#events.onFrame(region, frame));
  }
}

function requestsOf(options: ListenOptions): ListenerRequest[] {
  return Object.entries(options).map(([name, listener]) => ({ name, ...listener }));
}
