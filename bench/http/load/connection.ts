import { connect, type Socket } from 'node:net';
import { type KnownLength, ResponseReader } from './response-reader.ts';

const none = -1;

export interface SharedByConnections {
  readonly port: number;
  /** What is read goes there first. */
  readonly buffer: Buffer;
  readonly known: KnownLength;
  /** It is connected, or its response has come: a request may be sent. */
  onFree(connection: Connection): void;
  onAnswered(request: number, status: number): void;
  /** `request`: the one that was lost with it, if any. The connection is being made anew. */
  onClosed(request: number | undefined): void;
}

/** One connection with at most one request on it; made anew when it is closed. */
export class Connection {
  readonly #shared: SharedByConnections;
  readonly #reader: ResponseReader;
  #socket: Socket;
  #request = none;
  #open = false;

  constructor(shared: SharedByConnections) {
    this.#shared = shared;
    this.#reader = new ResponseReader(shared.known);
    this.#socket = this.#connect();
  }

  /** Whether a request may be sent. */
  get free(): boolean {
    return this.#open && this.#request === none;
  }

  send(request: number, text: string): void {
    this.#request = request;
    this.#socket.write(text, 'latin1');
  }

  #connect(): Socket {
    const { port, buffer } = this.#shared;
    const onread = { buffer, callback: (bytes: number) => this.#read(bytes) };
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
    socket.on('connect', () => {
      this.#open = true;
      this.#shared.onFree(this);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#closed());
    return socket;
  }

  #read(bytes: number): boolean {
    const response = this.#reader.read(this.#shared.buffer, bytes);
    if (!response) return true;
    const request = this.#request;
    this.#request = none;
    if (response.closes) {
      this.#open = false;
      this.#socket.destroy();
    }
    this.#shared.onAnswered(request, response.status);
    if (!response.closes) this.#shared.onFree(this);
    return true;
  }

  #closed(): void {
    const request = this.#request;
    this.#request = none;
    this.#open = false;
    this.#reader.reset();
    this.#shared.onClosed(request === none ? undefined : request);
    this.#socket = this.#connect();
  }
}
