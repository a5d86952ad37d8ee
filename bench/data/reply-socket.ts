import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** How replies are understood. */
export interface Protocol {
  /** Bytes of one whole reply at the start of `data`; 0: more must come. */
  measure(data: Buffer): number;
  /** @throws where a whole reply is an error. */
  check(reply: Buffer): void;
}

/**
 * A connection that sends a request and waits for its reply, with as little of its own as can
 * be: what is measured is the server.
 */
export class ReplySocket {
  #socket: Socket;
  readonly #to: NetConnectOpts;
  readonly #protocol: Protocol;
  #got: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<Buffer> | undefined;

  private constructor(to: NetConnectOpts, socket: Socket, protocol: Protocol) {
    this.#to = to;
    this.#socket = socket;
    this.#protocol = protocol;
    this.#use(socket);
  }

  static async open(host: string, port: number, protocol: Protocol): Promise<ReplySocket> {
    const to = { host, port };
    const socket = connect(to);
    await once(socket, 'connect');
    return new ReplySocket(to, socket, protocol);
  }

  /** One at a time, on another connection where the server has closed this one for being idle. @returns the reply. */
  ask(request: Uint8Array | string): Promise<Buffer> {
    const waiting = Promise.withResolvers<Buffer>();
    this.#waiting = waiting;
    if (this.#socket.destroyed) this.#use(connect(this.#to));
    this.#socket.write(request);
    return waiting.promise;
  }

  #use(socket: Socket): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (part) => this.#take(part));
    socket.on('close', () => this.#waiting?.reject(new Error('the connection closed')));
    socket.on('error', (error) => this.#waiting?.reject(error));
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(part: Buffer): void {
    this.#got = this.#got.length === 0 ? part : Buffer.concat([this.#got, part]);
    const length = this.#protocol.measure(this.#got);
    if (length === 0) return;
    const reply = this.#got.subarray(0, length);
    this.#got = this.#got.subarray(length);
    try {
      this.#protocol.check(reply);
      this.#waiting?.resolve(reply);
    } catch (error) {
      this.#waiting?.reject(error);
    }
  }
}

/** Responses of HTTP/1.1 that tell their length. */
export const httpReplies: Protocol = {
  measure(data) {
    const headEnd = data.indexOf('\r\n\r\n');
    if (headEnd < 0) return 0;
    const head = data.toString('latin1', 0, headEnd);
    const end = headEnd + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    return data.length < end ? 0 : end;
  },
  check(reply) {
    const status = Number(reply.toString('latin1', 9, 12));
    if (status < 400) return;
    throw new Error(`answered ${status}: ${reply.toString('utf8', reply.indexOf('\r\n\r\n') + 4)}`);
  },
};

const minus = '-'.charCodeAt(0);

/** Replies of Redis: a line, or a bulk string. */
export const redisReplies: Protocol = {
  measure(data) {
    const lineEnd = data.indexOf('\r\n');
    if (lineEnd < 0) return 0;
    const line = data.toString('latin1', 0, lineEnd);
    const bulk = line.startsWith('$') ? Number(line.slice(1)) : -1;
    const end = bulk < 0 ? lineEnd + 2 : lineEnd + 4 + bulk;
    return data.length < end ? 0 : end;
  },
  check(reply) {
    if (reply[0] === minus) throw new Error(`redis answered ${reply.toString('latin1').trim()}`);
  },
};
