import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { eventually } from './eventually.ts';
import { ACK, END_STREAM, frame, frameTypes, preface, RawHttp2, settings } from './raw-http2.ts';

export interface RawRequest {
  readonly connection: RawHttp2;
  readonly stream: number;
  /** Counts those of all connections from 0. */
  readonly index: number;
  /** Its field block, in which `:path` can be read. */
  readonly block: string;
  readonly ended: boolean;
}

/** A server of HTTP/2 by prior knowledge that says exactly what the test does. */
export class RawHttp2Origin {
  readonly connections: RawHttp2[] = [];
  readonly requests: RawRequest[] = [];
  /** What it greets with; `undefined`: it says nothing, and acknowledges nothing. */
  greeting: Buffer | undefined = frame(frameTypes.SETTINGS, 0, 0, settings());
  respond: (request: RawRequest) => void = ({ connection, stream }) => ok(connection, stream);
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => {
      const connection = new RawHttp2(socket, preface.length);
      socket.setNoDelay(true);
      this.connections.push(connection);
      if (this.greeting) connection.send(this.greeting);
      connection.onFrame = ({ type, flags, stream, payload }) => {
        if (type === frameTypes.SETTINGS && flags === 0 && this.greeting) {
          connection.send(frame(frameTypes.SETTINGS, ACK, 0));
        }
        if (type !== frameTypes.HEADERS) return;
        const request = {
          connection,
          stream,
          index: this.requests.length,
          block: payload.toString('latin1'),
          ended: (flags & END_STREAM) !== 0,
        };
        this.requests.push(request);
        this.respond(request);
      };
    });
  }

  static async listen(): Promise<RawHttp2Origin> {
    const origin = new RawHttp2Origin();
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** So many requests have come. */
  async arrived(count: number): Promise<void> {
    await eventually(`${count} requests`, () => this.requests.length >= count);
  }

  close(): void {
    for (const connection of this.connections) connection.close();
    this.#server.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** 200 with that content. */
export function ok(connection: RawHttp2, stream: number, content = 'ok'): void {
  connection.headers(stream, [[':status', '200']]);
  connection.data(stream, content, END_STREAM);
}
