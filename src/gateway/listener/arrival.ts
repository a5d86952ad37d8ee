import type { Socket } from 'node:net';
import type { Place } from '../admission/admission.ts';

/** A connection between its accept and its first request. */
export class Arrival {
  readonly socket: Socket;
  readonly place: Place;
  /** The client's: of the socket, or what a trusted proxy told. */
  address: string | undefined;
  /** As the client wrote it, where that was looked at (`readServerName`). */
  serverName: string | undefined = undefined;

  constructor(socket: Socket, place: Place) {
    this.socket = socket;
    this.place = place;
    this.address = socket.remoteAddress;
  }
}
