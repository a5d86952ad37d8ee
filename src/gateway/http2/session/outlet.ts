import type { FrameWriter } from '../frame-writer.ts';
import type { HpackEncoder } from '../hpack/encoder.ts';
import type { Stream } from './stream.ts';
import { StreamLine } from './stream-line.ts';

/** Content of one stream at a time while others wait. */
const turnBytes = 16 * 1024;
/**
 * What may wait in the writer before the transport takes it: below the mark from which on a
 * socket of Node says that it needs to drain, and a few frames.
 */
const outputBytes = 56 * 1024;

/**
 * The sending side of a connection: who sends next, and how much.
 *
 *                      room, nobody waits
 *   Stream.flush ──┬──────────────────────────────▶ writer ──▶ socket
 *                  │ else                     ▲
 *                  ▼           pump: 16 KiB   │ a turn
 *                line ────────────────────────┤
 *                  ▲ WINDOW_UPDATE on stream 0│ the connection's window is closed
 *                  └───────── starving ◀──────┘
 *
 * A stream whose own window is closed is in neither: its WINDOW_UPDATE brings it back.
 */
export class Outlet {
  readonly writer: FrameWriter;
  readonly encoder: HpackEncoder;
  /** Of the connection, in octets of content. */
  window = 65_535;
  /** Of each stream that begins. */
  streamWindow = 65_535;
  /** The longest that the peer takes. */
  frameBytes = 16_384;
  /** DATA frames that went out. */
  dataFrames = 0;
  /** The transport takes no more for now; control frames still gather. */
  blocked = false;
  readonly #line = new StreamLine();
  readonly #starving = new StreamLine();

  constructor(writer: FrameWriter, encoder: HpackEncoder) {
    this.writer = writer;
    this.encoder = encoder;
  }

  /** Frames what `stream` has, now or when it is its turn. */
  send(stream: Stream): void {
    if (stream.outgoing.lined) return;
    const room = this.#room;
    if (room <= 0 || !this.#line.isEmpty) this.#line.push(stream);
    else this.#serve(stream, room);
  }

  /** Gives everyone who waits a turn, until the room is used up. */
  pump(): void {
    while (this.#room > 0) {
      const stream = this.#line.shift();
      if (!stream) return;
      this.#serve(stream, turnBytes);
    }
  }

  /** The peer takes that much more on the connection. */
  widen(bytes: number): void {
    this.window += bytes;
    for (let stream = this.#starving.shift(); stream; stream = this.#starving.shift()) {
      this.#line.push(stream);
    }
  }

  /** Returns the octets that it took on the wire. */
  writeFields(id: number, fields: readonly string[], ends: boolean): number {
    return this.writer.headers(id, this.encoder.encode(fields), ends, this.frameBytes);
  }

  writeData(id: number, bytes: Buffer, start: number, end: number, ends: boolean): number {
    this.window -= end - start;
    this.dataFrames++;
    return this.writer.data(id, bytes, start, end, ends);
  }

  get #room(): number {
    return this.blocked ? 0 : outputBytes - this.writer.length;
  }

  #serve(stream: Stream, limit: number): void {
    const standstill = stream.emit(limit);
    if (stream.outgoing.lined) return;
    if (standstill === 'turn') this.#line.push(stream);
    else if (standstill === 'connectionWindow') this.#starving.push(stream);
  }
}
