import { Admission } from './admission.ts';
import type { GatewayLimits } from './limits.ts';

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

  constructor({ clientConnections, linkConnections }: GatewayLimits, events: AdmissionEvents) {
    this.#events = events;
    this.#clients = this.#create(clientConnections, 'clients');
    this.#link = this.#create(linkConnections, 'other regions');
  }

  of(listener: string): Admission {
    return listener === 'link' ? this.#link : this.#clients;
  }

  close(): void {
    this.#clients.close();
    this.#link.close();
  }

  #create(maximum: number, whose: string): Admission {
    return new Admission(maximum, () => {
      this.#events.onShed();
      if (this.#told) return;
      this.#told = true;
      this.#events.onFull(`all ${maximum} connections for ${whose} of a gateway thread are taken`);
    });
  }
}
