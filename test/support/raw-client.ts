import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { fairTimeout } from './fair-time.ts';
import { cutMessage } from './raw-origin.ts';

export interface SeenResponse {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

const limitMs = 10_000;

/** A client on a plain socket: sends exactly the bytes it is told to, reads responses one by one. */
export class RawClient {
  readonly socket: Socket;
  #received = '';
  #ended = false;
  #closed = false;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      this.#received += bytes.toString('latin1');
      this.#wake();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static async connect(
    port: number,
    host = '127.0.0.1',
    localAddress?: string,
  ): Promise<RawClient> {
    const from = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ port, host, allowHalfOpen: true, ...from });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  static async connectTls(options: ConnectionOptions): Promise<RawClient> {
    const socket = connectTls(options);
    await once(socket, 'secureConnect');
    return new RawClient(socket);
  }

  /** What came and was not taken yet. */
  get received(): string {
    return this.#received;
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** The next whole response. `headOnly`: to a HEAD, or one that has no body. */
  async response(headOnly = false): Promise<SeenResponse> {
    const message = await this.#when('a whole response', () => {
      const bodiless = headOnly || /^HTTP\/1\.1 (1\d\d|204|304) /.test(this.#received);
      return cutMessage(this.#received, bodiless);
    });
    this.#received = message.rest;
    return { status: Number(message.head.slice(9, 12)), head: message.head, body: message.body };
  }

  async request(text: string): Promise<SeenResponse> {
    this.send(text);
    return this.response(text.startsWith('HEAD '));
  }

  /** Waits until that has come, without taking it. */
  async until(part: string): Promise<void> {
    await this.#when(`"${part}"`, () => (this.#received.includes(part) ? true : undefined));
  }

  /** Everything until the server closes its side. */
  async rest(): Promise<string> {
    await this.#when('the end', () => (this.#ended || this.#closed ? true : undefined));
    return this.#received;
  }

  async closed(): Promise<void> {
    await this.#when('the close', () => (this.#closed ? true : undefined));
  }

  close(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #when<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const callOff = fairTimeout(limitMs, () => {
        this.#waiting.delete(check);
        reject(new Error(`waited for ${what}; came: ${JSON.stringify(this.#received)}`));
      });
      const check = (): void => {
        const value = look();
        if (value === undefined && !this.#closed) return;
        callOff();
        this.#waiting.delete(check);
        if (value !== undefined) resolve(value);
        else reject(new Error(`closed; came: ${JSON.stringify(this.#received)}`));
      };
      this.#waiting.add(check);
      check();
    });
  }
}
