import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Bytes of one whole reply at the start of `data`; 0: more must come. @throws for an error. */
export type Measure = (data: Buffer) => number;

/**
 * A connection that sends a request and waits for its reply, with as little of its own as can
 * be: what is measured is the server.
 */
export class ReplySocket {
  readonly #socket: Socket;
  readonly #measure: Measure;
  #got: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<Buffer> | undefined;

  private constructor(socket: Socket, measure: Measure) {
    this.#socket = socket;
    this.#measure = measure;
    socket.setNoDelay(true);
    socket.on('data', (part) => this.#take(part));
    socket.on('close', () => this.#waiting?.reject(new Error('the connection closed')));
    socket.on('error', (error) => this.#waiting?.reject(error));
  }

  static async open(host: string, port: number, measure: Measure): Promise<ReplySocket> {
    const socket = connect({ host, port });
    await once(socket, 'connect');
    return new ReplySocket(socket, measure);
  }

  /** One at a time. @returns the reply. */
  ask(request: Uint8Array | string): Promise<Buffer> {
    const waiting = Promise.withResolvers<Buffer>();
    this.#waiting = waiting;
    this.#socket.write(request);
    return waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(part: Buffer): void {
    this.#got = this.#got.length === 0 ? part : Buffer.concat([this.#got, part]);
    try {
      const length = this.#measure(this.#got);
      if (length === 0) return;
      const reply = this.#got.subarray(0, length);
      this.#got = this.#got.subarray(length);
      this.#waiting?.resolve(reply);
    } catch (error) {
      this.#waiting?.reject(error);
    }
  }
}

/** A response of HTTP/1.1 that tells its length. */
export function httpReply(data: Buffer): number {
  const headEnd = data.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const head = data.toString('latin1', 0, headEnd);
  const status = Number(head.slice(9, 12));
  if (status >= 400) throw new Error(`answered ${status}: ${data.toString('utf8', headEnd + 4)}`);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return data.length < end ? 0 : end;
}

/** A reply of Redis: a line, or a bulk string. */
export function redisReply(data: Buffer): number {
  const lineEnd = data.indexOf('\r\n');
  if (lineEnd < 0) return 0;
  const line = data.toString('latin1', 0, lineEnd);
  if (line.startsWith('-')) throw new Error(`redis answered ${line}`);
  const bulk = line.startsWith('$') ? Number(line.slice(1)) : -1;
  const end = bulk < 0 ? lineEnd + 2 : lineEnd + 4 + bulk;
  return data.length < end ? 0 : end;
}
