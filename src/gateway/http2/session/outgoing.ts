import type { Outlet } from './outlet.ts';

/** Content that waits; `borrowed`: only until `flush` returns. */
interface Part {
  bytes: Buffer;
  start: number;
  end: number;
  borrowed: boolean;
}

/**
 * Why a stream sends no more: nothing is left; its own window or that of the connection is
 * closed; or it is another stream's turn.
 */
export type Standstill = 'done' | 'window' | 'connectionWindow' | 'turn';

/** From here on the producer is told to wait … */
const fullBytes = 64 * 1024;
/** … until no more than this is left. */
const drainedBytes = 16 * 1024;

/**
 * What one stream has to send, in order. Nothing of it is framed before the connection takes
 * it, so a head can be taken back, and END_STREAM goes on the frame that turns out to be the last:
 *
 *   head*  part part part …  (trailers)  END_STREAM
 *    │      │
 *    │      └ as many octets as the windows of stream and connection and its turn allow
 *    └ not held back by any window (RFC 9113 section 5.2.1)
 *
 * The content that it holds is bounded by its producer, which stops when `full`.
 */
export class Outgoing {
  /** Octets of content that the peer takes; may be below zero after its SETTINGS shrank it. */
  window: number;
  /** Content and field blocks sent, with frame headers. */
  sentBytes = 0;
  /** Waits in a line of the outlet. */
  lined = false;
  readonly #heads: (readonly string[])[] = [];
  readonly #parts: Part[] = [];
  #next = 0;
  #queuedBytes = 0;
  #ended = false;
  #trailers: readonly string[] = [];
  #finished = false;
  #full = false;

  constructor(window: number) {
    this.window = window;
  }

  /** `end` was said. */
  get ended(): boolean {
    return this.#ended;
  }

  /** END_STREAM is framed. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Sent, and content that is still to be. */
  get totalBytes(): number {
    return this.sentBytes + this.#queuedBytes;
  }

  /** Whether there is anything to send, whatever keeps it back. */
  get waiting(): boolean {
    return this.#heads.length > 0 || this.#queuedBytes > 0 || (this.#ended && !this.#finished);
  }

  /** A head, interim ones included. In lower case: name, value, name, value … */
  head(fields: readonly string[]): void {
    this.#heads.push(fields);
  }

  /** Takes back the head given last and all content after it, if none of it was framed. */
  withdraw(): boolean {
    if (this.#heads.pop() === undefined) return false;
    this.clear();
    return true;
  }

  data(bytes: Buffer, start: number, end: number, borrowed: boolean): void {
    if (start === end) return;
    this.#parts.push({ bytes, start, end, borrowed });
    this.#queuedBytes += end - start;
  }

  end(trailers: readonly string[]): void {
    this.#ended = true;
    this.#trailers = trailers;
  }

  /** Forgets everything that was not framed. */
  clear(): void {
    this.#parts.length = 0;
    this.#next = 0;
    this.#queuedBytes = 0;
    this.#ended = false;
  }

  /** What is still queued outlives the memory it came in. False: the producer is to wait. */
  settle(): boolean {
    this.#own();
    if (this.#queuedBytes >= fullBytes) this.#full = true;
    return !this.#full;
  }

  /**
   * What is borrowed becomes one part, so that content which comes in tiny pieces does not take up
   * more than its own size.
   */
  #own(): void {
    const parts = this.#parts;
    let first = this.#next;
    while (first < parts.length && !parts[first]!.borrowed) first++;
    if (first === parts.length) return;
    const contents = parts.slice(first).map(({ bytes, start, end }) => bytes.subarray(start, end));
    const bytes = Buffer.concat(contents);
    parts.length = first;
    parts.push({ bytes, start: 0, end: bytes.length, borrowed: false });
  }

  /** Whether a producer that waits may go on; true only once. */
  takeDrained(): boolean {
    if (!this.#full || this.#queuedBytes > drainedBytes) return false;
    this.#full = false;
    return true;
  }

  /** Frames what can go, and at most about `limit` octets of content. */
  emit(id: number, outlet: Outlet, limit: number): Standstill {
    for (let at = 0; at < this.#heads.length; at++) {
      const last = at === this.#heads.length - 1 && this.#queuedBytes === 0 && this.#endsBare();
      this.sentBytes += outlet.writeFields(id, this.#heads[at]!, last);
      if (last) this.#finished = true;
    }
    this.#heads.length = 0;
    const standstill = this.#emitContent(id, outlet, limit);
    if (standstill === 'done' && this.#ended && !this.#finished) this.#emitEnd(id, outlet);
    return standstill;
  }

  #emitContent(id: number, outlet: Outlet, limit: number): Standstill {
    for (let left = limit; this.#queuedBytes > 0; ) {
      const part = this.#parts[this.#next]!;
      const room = Math.min(outlet.frameBytes, left, this.window, outlet.window);
      if (room <= 0) return this.#standstill(outlet);
      const bytes = Math.min(part.end - part.start, room);
      const last = bytes === this.#queuedBytes && this.#endsBare();
      this.sentBytes += outlet.writeData(id, part.bytes, part.start, part.start + bytes, last);
      if (last) this.#finished = true;
      this.window -= bytes;
      left -= bytes;
      this.#took(part, bytes);
    }
    return 'done';
  }

  #took(part: Part, bytes: number): void {
    this.#queuedBytes -= bytes;
    part.start += bytes;
    if (part.start < part.end) return;
    this.#next++;
    if (this.#next < this.#parts.length) return;
    this.#parts.length = 0;
    this.#next = 0;
  }

  #standstill(outlet: Outlet): Standstill {
    if (this.window <= 0) return 'window';
    return outlet.window <= 0 ? 'connectionWindow' : 'turn';
  }

  #endsBare(): boolean {
    return this.#ended && this.#trailers.length === 0;
  }

  #emitEnd(id: number, outlet: Outlet): void {
    this.#finished = true;
    this.sentBytes +=
      this.#trailers.length === 0
        ? outlet.writeData(id, noBytes, 0, 0, true)
        : outlet.writeFields(id, this.#trailers, true);
  }
}

const noBytes: Buffer = Buffer.alloc(0);
