import {
  ACK,
  CONTINUATION,
  clientPreface,
  DATA,
  END_HEADERS,
  END_STREAM,
  frameHeaderBytes,
  GOAWAY,
  HEADERS,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './frames.ts';

/** A few small responses. Up to 4 KiB come out of Node's pool, which costs next to nothing. */
const firstBytes = 2_048;
/** From here on it is bulk, and grows at once to what one write carries. */
const bulkBytes = 64 * 1024;

const noBytes: Buffer = Buffer.alloc(0);

/**
 * Gathers frames in one piece of memory until it is taken, so that all that a connection has to say
 * in a turn of the event loop is one write.
 *
 *   ┌───────┬────────────────────┬────────┬─────────┐
 *   │ frame │ frame              │ frame  │ room    │   grows by doubling; given away by `take`
 *   └───────┴────────────────────┴────────┴─────────┘
 *                                         ▲ length
 */
export class FrameWriter {
  #bytes = noBytes;
  #length = 0;

  /** Octets that wait. */
  get length(): number {
    return this.#length;
  }

  /** What has gathered, which is the caller's from now on; empty: nothing. */
  take(): Buffer {
    if (this.#length === 0) return noBytes;
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = noBytes;
    this.#length = 0;
    return taken;
  }

  preface(): void {
    this.#reserve(clientPreface.length);
    this.#length += clientPreface.copy(this.#bytes, this.#length);
  }

  /** Returns the octets it took on the wire. Of a block that is too long the rest goes in CONTINUATIONs. */
  headers(streamId: number, block: Uint8Array, ends: boolean, frameBytes: number): number {
    const before = this.#length;
    let at = Math.min(block.length, frameBytes);
    const flags = (ends ? END_STREAM : 0) | (at === block.length ? END_HEADERS : 0);
    this.#frame(HEADERS, flags, streamId, block, 0, at);
    while (at < block.length) {
      const end = Math.min(block.length, at + frameBytes);
      const last = end === block.length ? END_HEADERS : 0;
      this.#frame(CONTINUATION, last, streamId, block, at, end);
      at = end;
    }
    return this.#length - before;
  }

  /** Returns the octets it took on the wire. */
  data(streamId: number, bytes: Uint8Array, start: number, end: number, ends: boolean): number {
    this.#frame(DATA, ends ? END_STREAM : 0, streamId, bytes, start, end);
    return frameHeaderBytes + end - start;
  }

  rstStream(streamId: number, code: number): void {
    this.#header(RST_STREAM, 0, streamId, 4);
    this.#uint32(code);
  }

  /** Identifiers with their values. */
  settings(pairs: readonly (readonly [identifier: number, value: number])[]): void {
    this.#header(SETTINGS, 0, 0, 6 * pairs.length);
    for (const [identifier, value] of pairs) {
      this.#bytes[this.#length++] = identifier >>> 8;
      this.#bytes[this.#length++] = identifier & 0xff;
      this.#uint32(value);
    }
  }

  settingsAck(): void {
    this.#header(SETTINGS, ACK, 0, 0);
  }

  /** Eight octets from bytes[start]. */
  ping(bytes: Uint8Array, start: number, ack: boolean): void {
    this.#frame(PING, ack ? ACK : 0, 0, bytes, start, start + 8);
  }

  goAway(lastStreamId: number, code: number): void {
    this.#header(GOAWAY, 0, 0, 8);
    this.#uint32(lastStreamId);
    this.#uint32(code);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#header(WINDOW_UPDATE, 0, streamId, 4);
    this.#uint32(increment);
  }

  #frame(
    type: number,
    flags: number,
    streamId: number,
    payload: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#header(type, flags, streamId, end - start);
    this.#bytes.set(payload.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  /** With room for the payload. */
  #header(type: number, flags: number, streamId: number, length: number): void {
    this.#reserve(frameHeaderBytes + length);
    const bytes = this.#bytes;
    const at = this.#length;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    this.#length = at + 5;
    this.#uint32(streamId);
  }

  #uint32(value: number): void {
    const bytes = this.#bytes;
    const at = this.#length;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    this.#length = at + 4;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const capacity = needed > 4_096 ? bulkBytes : firstBytes;
    const grown = Buffer.allocUnsafe(Math.max(capacity, needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
