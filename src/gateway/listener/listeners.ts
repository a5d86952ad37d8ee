import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { frameProtocol, type LinkIdentity, peerRegionOf } from '../../link/identity.ts';
import { acceptFrames } from '../../link/receiver.ts';
import type { Place } from '../admission.ts';
import { ConnectionOrigin } from '../forwarding.ts';
import type { ListenerName } from '../runtime.ts';
import {
  type ListenAddress,
  Listener,
  type ListenerEvents,
  type ListenerRequest,
  listenFailure,
} from './listener.ts';

export interface ListenOptions {
  readonly http?: ListenAddress;
  /** PEM texts; TLS 1.2 and later. */
  readonly https?: ListenAddress & { readonly cert: string; readonly key: string };
  readonly link?: ListenAddress & { readonly identity: LinkIdentity };
}

export interface ListenersEvents extends Omit<ListenerEvents, 'onAccepted'> {
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
  readonly #listeners = new Map<ListenerName, Listener>();
  /** Sockets that carry frames, not requests, with the region on the other side. */
  readonly #frameSockets = new Map<TLSSocket, string>();
  /** Ports of listeners that are gone may still be taken until then. */
  #left: Promise<unknown> = Promise.resolve();

  constructor(events: ListenersEvents) {
    this.#events = events;
  }

  port(name: ListenerName): number | undefined {
    return this.#listeners.get(name)?.port;
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
      if (kept) renewals.push(kept.renewal(request) ?? (() => {}));
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
    return listener?.isAt(request.at) ? listener : undefined;
  }

  #create(request: ListenerRequest): Listener {
    for (const other of this.#listeners.values()) {
      // With `reusePort` the kernel would not mind, and give each a part of the connections.
      if (other.name !== request.name && other.overlaps(request.at)) {
        throw listenFailure(request, `${other.name} is served there until this revision is`);
      }
    }
    return new Listener(request, {
      ...this.#events,
      onAccepted: (listener, socket, place) => this.#accept(listener, socket, place),
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

  #accept(listener: Listener, socket: Socket | TLSSocket, place: Place): void {
    if (listener.name !== 'link' || !(socket instanceof TLSSocket)) {
      const origin = new ConnectionOrigin(listener, socket.remoteAddress);
      this.#events.onConnection(socket, origin, place);
      return;
    }
    const peerRegion = peerRegionOf(socket, this.#events.isRegion);
    if (peerRegion === undefined) socket.destroy();
    else if (socket.alpnProtocol === frameProtocol) {
      place.work();
      this.#acceptFrames(socket, peerRegion);
    } else {
      const origin = new ConnectionOrigin(listener, socket.remoteAddress, peerRegion);
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

function requestsOf({ http, https, link }: ListenOptions): ListenerRequest[] {
  const requests: ListenerRequest[] = [];
  if (http) requests.push({ name: 'http', at: http, tls: undefined });
  if (https) requests.push({ name: 'https', at: https, tls: https });
  if (link) requests.push({ name: 'link', at: link, tls: link.identity });
  return requests;
}
