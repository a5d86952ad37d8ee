import type { Socket } from 'node:net';
import type { OpenFiles } from './open-files.ts';

/** Part of all places that is freed when there is no room: one look at all of them serves many newcomers. */
const freedShare = 32;
/** Part of all places in which those that have only just come are spared. */
const sparedShare = 4;

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

/** What of a place decides whether it gives way. */
export type Waiting = Pick<Place, 'waitingSince' | 'used'>;

export interface AdmissionOptions {
  /** Of its sockets; those of others take files as well. */
  readonly maximum: number;
  readonly files: OpenFiles;
  /** How long a connection may take until its first request, before it counts as silent. */
  readonly grace: number;
  /** A connection is closed for want of room. */
  onShed(): void;
}

/**
 * Bounds the accepted sockets of a thread, so that a crowd of them cannot take the file
 * descriptors that everything else needs too. When there is no room those that wait give way
 * (`givingWay`). While all are at work, the newcomer goes. Time is any count that grows.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #places = new Set<Place>();
  /** When a look found fewer than it could have freed: it is not worth another one at that time. */
  #scarceAt = -1;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Its place, or `undefined` when there is none: then the socket is closed. */
  admit(socket: Socket, now: number): Place | undefined {
    const { maximum, files, onShed } = this.#options;
    if ((this.#places.size >= maximum && !this.makeRoom(now)) || !files.hasRoom()) {
      onShed();
      socket.destroy();
      return undefined;
    }
    const place = new Place(socket, now);
    this.#places.add(place);
    files.take();
    socket.on('close', () => this.#leave(place));
    return place;
  }

  /** Closes some of those that wait. False: none does. */
  makeRoom(now: number): boolean {
    if (now === this.#scarceAt) return false;
    const { maximum, grace, onShed } = this.#options;
    const freed = givingWay([...this.#places], { now, grace, maximum });
    if (freed.length < maximum / freedShare) this.#scarceAt = now;
    for (const place of freed) {
      this.#leave(place);
      onShed();
      place.socket.destroy();
    }
    return freed.length > 0;
  }

  /** Ends whatever is left, also what has not come far enough to carry requests. */
  close(): void {
    for (const { socket } of this.#places) socket.destroy();
  }

  #leave(place: Place): void {
    if (this.#places.delete(place)) this.#options.files.give();
  }
}

/**
 * Which places give way when there is no room, at most one of `freedShare`, in this order and
 * in each the one that has waited longest first:
 *
 *  1. silent ones: they had `grace` for a first request and brought none. So did those beyond
 *     the youngest quarter of all places: newcomers in a flood displace each other;
 *  2. kept-alive ones;
 *  3. those that have only just come: most likely in a handshake.
 */
export function givingWay<Each extends Waiting>(
  places: readonly Each[],
  { now, grace, maximum }: { now: number; grace: number; maximum: number },
): Each[] {
  const waiting = places.filter(({ waitingSince }) => waitingSince !== 0);
  waiting.sort((one, other) => one.waitingSince - other.waitingSince);
  const unused = waiting.filter(({ used }) => !used);
  const spared = Math.floor(maximum / sparedShare);
  const silent = unused.filter(
    ({ waitingSince }, at) => now - waitingSince > grace || at < unused.length - spared,
  );
  const kept = waiting.filter(({ used }) => used);
  const count = Math.ceil(Math.min(waiting.length, maximum / freedShare));
  return [...silent, ...kept, ...unused.slice(silent.length)].slice(0, count);
}
