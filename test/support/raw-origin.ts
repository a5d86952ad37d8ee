import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** One message as the origin saw it, byte for byte (latin1). */
export interface SeenRequest {
  readonly head: string;
  readonly body: string;
  /** Counts connections from 0. */
  readonly connection: number;
}

export type Respond = (request: SeenRequest, socket: Socket) => void;

interface Message {
  readonly head: string;
  readonly body: string;
  readonly rest: string;
}

/** Cuts the first whole message off the text, by Content-Length or chunks. */
export function cutMessage(text: string, bodiless = false): Message | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const head = text.slice(0, headEnd + 4);
  const after = text.slice(headEnd + 4);
  if (bodiless) return { head, body: '', rest: after };
  if (/^transfer-encoding: *chunked/im.test(head)) return cutChunked(head, after);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  if (after.length < length) return undefined;
  return { head, body: after.slice(0, length), rest: after.slice(length) };
}

function cutChunked(head: string, text: string): Message | undefined {
  let body = '';
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const start = lineEnd + 2;
    if (size === 0) {
      if (text.startsWith('\r\n', start)) return { head, body, rest: text.slice(start + 2) };
      const end = text.indexOf('\r\n\r\n', start);
      return end === -1 ? undefined : { head, body, rest: text.slice(end + 4) };
    }
    if (text.length < start + size + 2) return undefined;
    body += text.slice(start, start + size);
    at = start + size + 2;
  }
}

/** `HTTP/1.1 200 OK` with a counted body. */
export function okResponse(body: string, fields = ''): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
}

/** A server on plain sockets that records every byte and answers as the test says. */
export class RawOrigin {
  readonly requests: SeenRequest[] = [];
  /** All bytes of each connection. */
  readonly received: string[] = [];
  readonly sockets = new Set<Socket>();
  respond: Respond = (_request, socket) => void socket.write(okResponse('ok'));
  /** Called with what has come while the request is not whole yet. */
  onPartial: ((text: string, socket: Socket) => void) | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: false }, (socket) => this.#accept(socket));
  }

  static async listen(host = '127.0.0.1', port = 0): Promise<RawOrigin> {
    const origin = new RawOrigin();
    origin.#server.listen(port, host);
    await once(origin.#server, 'listening');
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(socket: Socket): void {
    const connection = this.received.push('') - 1;
    let pending = '';
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      this.received[connection] += text;
      pending += text;
      for (let message = cutMessage(pending); message; message = cutMessage(pending)) {
        pending = message.rest;
        const request = { head: message.head, body: message.body, connection };
        this.requests.push(request);
        this.respond(request, socket);
      }
      if (pending !== '') this.onPartial?.(pending, socket);
    });
  }
}
