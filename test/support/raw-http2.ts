import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { fairTimeout } from './fair-time.ts';

export const frameTypes = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY_FLAG = 0x20;

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A frame as it goes over the wire, whether it makes sense or not. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer | Uint8Array = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

export type FieldPairs = readonly (readonly [string, string])[];

/** A field block of literals without indexing (RFC 7541 section 6.2.2): no state, any octets. */
export function block(fields: FieldPairs): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of fields) {
    parts.push(Buffer.from([0]), literal(name), literal(value));
  }
  return Buffer.concat(parts);
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const prefix: number[] = [];
  if (bytes.length < 127) prefix.push(bytes.length);
  else {
    prefix.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest = Math.floor(rest / 128)) prefix.push((rest % 128) | 0x80);
    prefix.push(rest);
  }
  return Buffer.concat([Buffer.from(prefix), bytes]);
}

export function fieldFrames(stream: number, octets: Buffer, flags = 0): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < octets.length; at += 16_384) {
    const part = octets.subarray(at, at + 16_384);
    const last = at + 16_384 >= octets.length ? END_HEADERS : 0;
    const type = at === 0 ? frameTypes.HEADERS : frameTypes.CONTINUATION;
    frames.push(frame(type, last | (at === 0 ? flags : 0), stream, part));
  }
  return frames;
}

export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, at) => void bytes.writeUInt32BE(value, 4 * at));
  return bytes;
}

/** A SETTINGS payload. */
export function settings(...pairs: (readonly [number, number])[]): Buffer {
  return Buffer.concat(
    pairs.map(([identifier, value]) => {
      const bytes = Buffer.alloc(6);
      bytes.writeUInt16BE(identifier, 0);
      bytes.writeUInt32BE(value, 2);
      return bytes;
    }),
  );
}

/** The status in a field block whose first field it is, as encoders without a dynamic table send it. */
export function statusOf(fields: Buffer): number {
  let at = 0;
  while ((fields[at]! & 0xe0) === 0x20) at += (fields[at]! & 0x1f) === 0x1f ? 3 : 1;
  const first = fields[at]!;
  if ((first & 0x80) !== 0) return [200, 204, 206, 304, 400, 404, 500][(first & 0x7f) - 8]!;
  return Number(fields.toString('latin1', at + 2, at + 5));
}

export interface RawAnswer {
  readonly status: number;
  /** Of each interim response before it. */
  readonly interim: readonly number[];
  readonly body: string;
  /** The field block of the trailers. */
  readonly trailers: Buffer | undefined;
}

const limitMs = 10_000;

/** One end of an HTTP/2 connection that sends exactly the frames that it is told to. */
export class RawHttp2 {
  readonly socket: Socket;
  /** All that came and were not taken. */
  readonly frames: RawFrame[] = [];
  /** Told of each frame as it comes. */
  onFrame: ((frame: RawFrame) => void) | undefined;
  #bytes = Buffer.alloc(0);
  #skip: number;
  #closed = false;
  readonly #waiting = new Set<() => void>();

  /** `skip`: octets before the first frame, which of a client are those of its preface. */
  constructor(socket: Socket, skip = 0) {
    this.socket = socket;
    this.#skip = skip;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#cut();
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Connected, nothing sent. */
  static async open(port: number, tls?: ConnectionOptions): Promise<RawHttp2> {
    const socket = tls ? connectTls({ port, ...tls }) : connect(port, '127.0.0.1');
    await once(socket, tls ? 'secureConnect' : 'connect');
    socket.setNoDelay(true);
    return new RawHttp2(socket);
  }

  /** After preface and SETTINGS of both sides; the peer may not use its dynamic table. */
  static async connect(port: number, ...pairs: (readonly [number, number])[]): Promise<RawHttp2> {
    const client = await RawHttp2.open(port);
    client.send(preface, frame(frameTypes.SETTINGS, 0, 0, settings([1, 0], ...pairs)));
    await client.next(({ type, flags }) => type === frameTypes.SETTINGS && flags === 0);
    client.send(frame(frameTypes.SETTINGS, ACK, 0));
    await client.next(({ type, flags }) => type === frameTypes.SETTINGS && flags === ACK);
    return client;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(...parts: Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** HEADERS, and CONTINUATIONs where one frame does not do. */
  headers(stream: number, fields: FieldPairs, flags = 0): void {
    this.send(...fieldFrames(stream, block(fields), flags));
  }

  data(stream: number, content: string | Buffer, flags = 0): void {
    this.send(frame(frameTypes.DATA, flags, stream, Buffer.from(content as string, 'latin1')));
  }

  /** A whole response. Opens no window: what is longer than it never ends. */
  async answer(stream: number): Promise<RawAnswer> {
    const interim: number[] = [];
    let body = '';
    let status = 0;
    for (;;) {
      const { type, flags, payload } = await this.next(
        (one) => one.stream === stream && one.type <= frameTypes.RST_STREAM,
      );
      const ends = (flags & END_STREAM) !== 0;
      if (type === frameTypes.RST_STREAM) throw new Error(`reset: ${payload.readUInt32BE(0)}`);
      if (type === frameTypes.DATA) body += payload.toString('latin1');
      else if (status >= 200) return { status, interim, body, trailers: payload };
      else status = statusOf(payload);
      if (ends) return { status, interim, body, trailers: undefined };
      if (type === frameTypes.HEADERS && status < 200) interim.push(status);
    }
  }

  /** Takes the first frame that came, or comes, for which that holds. */
  async next(matches: (frame: RawFrame) => boolean): Promise<RawFrame> {
    return this.#when('a frame', () => {
      const at = this.frames.findIndex(matches);
      return at === -1 ? undefined : this.frames.splice(at, 1)[0];
    });
  }

  nextOf(type: number, stream?: number): Promise<RawFrame> {
    return this.next((one) => one.type === type && (stream ?? one.stream) === one.stream);
  }

  /** Waits for a GOAWAY and returns its error code. */
  async goAway(): Promise<number> {
    return (await this.nextOf(frameTypes.GOAWAY)).payload.readUInt32BE(4);
  }

  /** Waits for RST_STREAM and returns its error code. */
  async reset(stream: number): Promise<number> {
    return (await this.nextOf(frameTypes.RST_STREAM, stream)).payload.readUInt32BE(0);
  }

  /** The other end has handled all that was sent before. */
  async settled(mark = 'settled!'): Promise<void> {
    const payload = Buffer.from(mark.padEnd(8), 'latin1');
    this.send(frame(frameTypes.PING, 0, 0, payload));
    await this.next(
      (one) => one.type === frameTypes.PING && one.flags === ACK && one.payload.equals(payload),
    );
  }

  async whenClosed(): Promise<void> {
    await this.#when('the close', () => (this.#closed ? true : undefined));
  }

  close(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #cut(): void {
    let at = Math.min(this.#skip, this.#bytes.length);
    this.#skip -= at;
    while (this.#bytes.length - at >= 9) {
      const length = this.#bytes.readUIntBE(at, 3);
      if (this.#bytes.length - at < 9 + length) break;
      const came: RawFrame = {
        type: this.#bytes.readUInt8(at + 3),
        flags: this.#bytes.readUInt8(at + 4),
        stream: this.#bytes.readUInt32BE(at + 5) & 0x7fffffff,
        payload: this.#bytes.subarray(at + 9, at + 9 + length),
      };
      this.frames.push(came);
      this.onFrame?.(came);
      at += 9 + length;
    }
    this.#bytes = this.#bytes.subarray(at);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #when<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const seen = () => JSON.stringify(this.frames.map(({ type, stream }) => [type, stream]));
      const callOff = fairTimeout(limitMs, () => {
        this.#waiting.delete(check);
        reject(new Error(`waited for ${what}; came: ${seen()}`));
      });
      const check = (): void => {
        const value = look();
        if (value === undefined && !this.#closed) return;
        callOff();
        this.#waiting.delete(check);
        if (value !== undefined) resolve(value);
        else reject(new Error(`closed; came: ${seen()}`));
      };
      this.#waiting.add(check);
      check();
    });
  }
}
