import type { GatewayLimits } from '../limits.ts';
import { Admission } from './admission.ts';
import type { OpenFiles } from './open-files.ts';

export interface AdmissionEvents {
  /** A connection is refused or closed for want of room. */
  onShed(): void;
  /** The first time. */
  onFull(message: string): void;
}

/** The places of a thread: other regions have theirs, which no crowd of clients can take. */
export class Admissions {
  readonly #clients: Admission;
  readonly #link: Admission;
  readonly #events: AdmissionEvents;
  #told = false;

  /** @param grace see `AdmissionOptions` */
  constructor(
    { clientConnections, linkConnections, connections }: GatewayLimits,
    files: OpenFiles,
    grace: number,
    events: AdmissionEvents,
  ) {
    this.#events = events;
    const create = (maximum: number, whose: string) =>
      new Admission({
        maximum,
        files,
        grace,
        onShed: () => this.#shed(`of ${connections} connections, ${maximum} for ${whose}`),
      });
    this.#clients = create(clientConnections, 'clients');
    this.#link = create(linkConnections, 'other regions');
  }

  of(listener: string): Admission {
    return listener === 'link' ? this.#link : this.#clients;
  }

  /** Closes some connections of clients that wait. False: none does. */
  makeRoom(now: number): boolean {
    return this.#clients.makeRoom(now);
  }

  close(): void {
    this.#clients.close();
    this.#link.close();
  }

  #shed(room: string): void {
    this.#events.onShed();
    if (this.#told) return;
    this.#told = true;
    this.#events.onFull(`a gateway thread has no room for more: ${room}`);
  }
}
