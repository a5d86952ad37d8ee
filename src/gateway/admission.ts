import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

/** Where the system does not tell. */
const assumedOpenFiles = 1_024;
/** For everything of a node but the data plane: admin, probes, links, name service, files. */
const reservedOpenFiles = 256;
/** Part of the waiting connections that is closed when there is no room: one look at all of them serves many newcomers. */
const evictedShare = 32;

/** How many files (sockets included) this process may have open: its soft limit. */
export function openFileLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.MAX_SAFE_INTEGER);
  } catch {
    return assumedOpenFiles;
  }
}

/**
 * A thread's share of the open files, less the reserve: half for connections to upstreams,
 * of which a request in flight needs one; of the other half a tenth for other regions, so
 * that no crowd of clients keeps them out.
 */
export function connectionLimits(
  openFiles: number,
  threads: number,
): { readonly clientConnections: number; readonly linkConnections: number } {
  const reserve = Math.min(reservedOpenFiles, Math.floor(openFiles / 4));
  const accepted = Math.floor((openFiles - reserve) / threads / 2);
  const linkConnections = Math.max(4, Math.floor(accepted / 10));
  return { clientConnections: Math.max(4, accepted - linkConnections), linkConnections };
}

/** What an accepted socket takes up, from its accept to its close. */
export class Place {
  readonly socket: Socket;
  /** When it began to wait for a request; 0: it does not. */
  waitingSince: number;
  /** It has brought a request. */
  used = false;

  constructor(socket: Socket, now: number) {
    this.socket = socket;
    this.waitingSince = now;
  }

  wait(now: number): void {
    this.waitingSince = now;
  }

  work(): void {
    this.waitingSince = 0;
    this.used = true;
  }
}

/**
 * Bounds the accepted sockets of a thread, so that a crowd of them cannot take the file
 * descriptors that everything else needs too. When there is no room those that wait go:
 * first what never brought a request (in a handshake or silent), then kept-alive ones, the
 * longest first. While all are at work, the newcomer goes. Time is any count that grows.
 */
export class Admission {
  readonly #maximum: number;
  readonly #onShed: () => void;
  readonly #places = new Set<Place>();

  /** `onShed`: a connection is closed for want of room. */
  constructor(maximum: number, onShed: () => void) {
    this.#maximum = maximum;
    this.#onShed = onShed;
  }

  /** Its place, or `undefined` when there is none: then the socket is closed. */
  admit(socket: Socket, now: number): Place | undefined {
    if (this.#places.size >= this.#maximum && !this.#makeRoom()) {
      this.#onShed();
      socket.destroy();
      return undefined;
    }
    const place = new Place(socket, now);
    this.#places.add(place);
    socket.on('close', () => this.#places.delete(place));
    return place;
  }

  /** Ends whatever is left, also what has not come far enough to carry requests. */
  close(): void {
    for (const { socket } of this.#places) socket.destroy();
  }

  #makeRoom(): boolean {
    const waiting = [...this.#places].filter(({ waitingSince }) => waitingSince !== 0);
    waiting.sort(
      (one, other) =>
        Number(one.used) - Number(other.used) || one.waitingSince - other.waitingSince,
    );
    const count = Math.ceil(Math.min(waiting.length, this.#maximum / evictedShare));
    for (const place of waiting.slice(0, count)) {
      this.#places.delete(place);
      this.#onShed();
      place.socket.destroy();
    }
    return count > 0;
  }
}
