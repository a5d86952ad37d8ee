import {
  ACK,
  CONTINUATION,
  clientPreface,
  DATA,
  END_HEADERS,
  END_STREAM,
  type FrameHandler,
  frameHeaderBytes,
  GOAWAY,
  HEADERS,
  maxFrameBytes,
  PADDED,
  PING,
  PRIORITY,
  PRIORITY_FLAG,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './frames.ts';
import { ErrorCode, violate } from './http2-error.ts';

/** CONTINUATIONs of one field block that are always taken; where it may be long, twice those of full frames. */
const fewestContinuations = 16;

const noBytes: Buffer = Buffer.alloc(0);
const lengthMismatch = 'the length of a frame does not fit its type';

export interface FrameReaderOptions {
  /** Server: the preface of a client comes first. */
  readonly preface: boolean;
  /** Longest field block, compressed. */
  readonly blockBytes: number;
  /** A field block that is too long, or in too many frames. Must throw. */
  onBlockTooLarge(): never;
}

/**
 * Cuts frames out of octets that come split in any way. Content of DATA is handed on as it comes,
 * uncopied; of other frames only what a split tears apart is kept, at most one payload and one field
 * block.
 *
 *   preface ─▶ header ─▶ payload whole? ─▶ handled ─▶ header …
 *                │  └──▶ rest of it kept ──▶ handled ──▲
 *                └ DATA ▶ pad length ▶ content ▶ padding
 *
 * @throws Http2Error from `read`, after which it is not to be used again
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #options: FrameReaderOptions;
  readonly #continuations: number;
  #preface: number;
  #first = true;
  /** A header, or the payload of a frame other than DATA, that has come in part. */
  #kept = noBytes;
  #keptBytes = 0;
  #inPayload = false;
  #length = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Of the payload of DATA, what has not come yet; -1: no DATA is under way. */
  #content = -1;
  #padding = 0;
  #padLengthDue = false;
  /** The stream whose field block goes on in CONTINUATION; 0: none. */
  #blockOf = 0;
  #blockEnds = false;
  #block: Buffer[] = [];
  #blockBytes = 0;

  constructor(handler: FrameHandler, options: FrameReaderOptions) {
    this.#handler = handler;
    this.#options = options;
    const fullFrames = Math.ceil(options.blockBytes / maxFrameBytes);
    this.#continuations = Math.max(fewestContinuations, 2 * fullFrames);
    this.#preface = options.preface ? clientPreface.length : 0;
  }

  read(bytes: Buffer, start: number, end: number): void {
    let at = this.#preface > 0 ? this.#readPreface(bytes, start, end) : start;
    while (at < end) {
      if (this.#content >= 0) at = this.#readContent(bytes, at, end);
      else if (this.#keptBytes > 0 || this.#inPayload) at = this.#complete(bytes, at, end);
      else if (end - at < frameHeaderBytes) at = this.#keep(bytes, at, end, frameHeaderBytes);
      else {
        this.#header(bytes, at);
        at = this.#startPayload(bytes, at + frameHeaderBytes, end);
      }
    }
  }

  #readPreface(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (this.#preface > 0 && at < end) {
      if (bytes[at++] !== clientPreface[clientPreface.length - this.#preface--]) {
        violate(ErrorCode.PROTOCOL_ERROR, 'the connection does not begin with the preface');
      }
    }
    return at;
  }

  // ── What is split ────────────────────────────────────────────────────────────────────

  /** Keeps what there is of `length` octets. */
  #keep(bytes: Buffer, at: number, end: number, length: number): number {
    this.#kept = Buffer.allocUnsafe(length);
    this.#keptBytes = bytes.copy(this.#kept, 0, at, end);
    return end;
  }

  #complete(bytes: Buffer, at: number, end: number): number {
    const next = at + bytes.copy(this.#kept, this.#keptBytes, at, end);
    this.#keptBytes += next - at;
    const kept = this.#kept;
    if (this.#keptBytes < kept.length) return next;
    this.#kept = noBytes;
    this.#keptBytes = 0;
    if (this.#inPayload) {
      this.#inPayload = false;
      this.#handle(kept, 0, kept.length);
      return next;
    }
    this.#header(kept, 0);
    return this.#startPayload(bytes, next, end);
  }

  #startPayload(bytes: Buffer, at: number, end: number): number {
    if (this.#type === DATA) {
      this.#beginData();
      return at;
    }
    const next = at + this.#length;
    if (next <= end) {
      this.#handle(bytes, at, next);
      return next;
    }
    this.#inPayload = true;
    return this.#keep(bytes, at, end, this.#length);
  }

  // ── Header ───────────────────────────────────────────────────────────────────────────

  #header(bytes: Buffer, at: number): void {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    const streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    if (length > maxFrameBytes) violate(ErrorCode.FRAME_SIZE_ERROR, 'a frame is too long');
    if (this.#first) {
      if (type !== SETTINGS || (bytes[at + 4]! & ACK) !== 0) {
        violate(ErrorCode.PROTOCOL_ERROR, 'the first frame is not SETTINGS');
      }
      this.#first = false;
    }
    if (this.#blockOf !== 0 && (type !== CONTINUATION || streamId !== this.#blockOf)) {
      violate(ErrorCode.PROTOCOL_ERROR, 'a field block is interrupted');
    }
    this.#length = length;
    this.#type = type;
    this.#flags = bytes[at + 4]!;
    this.#streamId = streamId;
  }

  // ── DATA ─────────────────────────────────────────────────────────────────────────────

  #beginData(): void {
    this.#requireStream(true);
    const padded = (this.#flags & PADDED) !== 0;
    if (padded && this.#length === 0) violate(ErrorCode.FRAME_SIZE_ERROR, lengthMismatch);
    this.#handler.onDataBegin(this.#streamId, this.#length);
    this.#content = this.#length;
    this.#padding = 0;
    this.#padLengthDue = padded;
    if (this.#length === 0) this.#endData();
  }

  #readContent(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#padLengthDue) {
      this.#padLengthDue = false;
      this.#padding = bytes[at++]!;
      if (--this.#content < this.#padding) {
        violate(ErrorCode.PROTOCOL_ERROR, 'padding is longer than its frame');
      }
    }
    const contentEnd = Math.min(end, at + this.#content - this.#padding);
    if (contentEnd > at) {
      this.#handler.onData(bytes, at, contentEnd);
      this.#content -= contentEnd - at;
      at = contentEnd;
    }
    if (this.#content <= this.#padding) {
      const skipped = Math.min(end - at, this.#content);
      this.#content -= skipped;
      at += skipped;
    }
    if (this.#content === 0) this.#endData();
    return at;
  }

  #endData(): void {
    this.#content = -1;
    const padding = (this.#flags & PADDED) === 0 ? 0 : this.#padding + 1;
    const ends = (this.#flags & END_STREAM) !== 0;
    this.#handler.onDataEnd(this.#streamId, ends, this.#length, padding);
  }

  // ── Other frames ─────────────────────────────────────────────────────────────────────

  #handle(bytes: Buffer, start: number, end: number): void {
    const handler = this.#handler;
    const streamId = this.#streamId;
    switch (this.#type) {
      case HEADERS:
        this.#onHeaders(bytes, start, end);
        return;
      case CONTINUATION:
        this.#onContinuation(bytes, start, end);
        return;
      case PRIORITY:
        this.#requireStream(true);
        this.#requireLength(5);
        if (dependency(bytes, start) === streamId) dependsOnItself();
        handler.onPriority(streamId);
        return;
      case RST_STREAM:
        this.#requireStream(true);
        this.#requireLength(4);
        handler.onRstStream(streamId, bytes.readUInt32BE(start));
        return;
      case SETTINGS:
        this.#onSettings(bytes, start, end);
        return;
      case PUSH_PROMISE:
        // Of a client never, of a server not either, since our SETTINGS forbid it.
        violate(ErrorCode.PROTOCOL_ERROR, 'PUSH_PROMISE is not allowed');
        break;
      case PING:
        this.#requireStream(false);
        this.#requireLength(8);
        handler.onPing(bytes, start, (this.#flags & ACK) !== 0);
        return;
      case GOAWAY:
        this.#requireStream(false);
        if (this.#length < 8) violate(ErrorCode.FRAME_SIZE_ERROR, lengthMismatch);
        handler.onGoAway(bytes.readUInt32BE(start) & 0x7fffffff, bytes.readUInt32BE(start + 4));
        return;
      case WINDOW_UPDATE:
        this.#requireLength(4);
        handler.onWindowUpdate(streamId, bytes.readUInt32BE(start) & 0x7fffffff);
        return;
      default:
        handler.onUnknown(this.#type);
    }
  }

  #onSettings(bytes: Buffer, start: number, end: number): void {
    this.#requireStream(false);
    if ((this.#flags & ACK) !== 0) {
      this.#requireLength(0);
      this.#handler.onSettingsAck();
      return;
    }
    if (this.#length % 6 !== 0) violate(ErrorCode.FRAME_SIZE_ERROR, lengthMismatch);
    this.#handler.onSettings(bytes, start, end);
  }

  #onHeaders(bytes: Buffer, start: number, end: number): void {
    this.#requireStream(true);
    let from = start;
    let to = end;
    if ((this.#flags & PADDED) !== 0) {
      if (from === to) violate(ErrorCode.FRAME_SIZE_ERROR, lengthMismatch);
      to -= bytes[from++]!;
      if (to < from) violate(ErrorCode.PROTOCOL_ERROR, 'padding is longer than its frame');
    }
    if ((this.#flags & PRIORITY_FLAG) !== 0) {
      if (to - from < 5) violate(ErrorCode.FRAME_SIZE_ERROR, lengthMismatch);
      if (dependency(bytes, from) === this.#streamId) dependsOnItself();
      from += 5;
    }
    const ends = (this.#flags & END_STREAM) !== 0;
    if ((this.#flags & END_HEADERS) !== 0) {
      if (to - from > this.#options.blockBytes) this.#options.onBlockTooLarge();
      this.#handler.onHeaders(this.#streamId, bytes, from, to, ends);
      return;
    }
    this.#blockOf = this.#streamId;
    this.#blockEnds = ends;
    this.#collect(bytes, from, to);
  }

  #onContinuation(bytes: Buffer, start: number, end: number): void {
    if (this.#blockOf === 0) {
      violate(ErrorCode.PROTOCOL_ERROR, 'CONTINUATION without a field block');
    }
    this.#collect(bytes, start, end);
    if ((this.#flags & END_HEADERS) === 0) return;
    const block = Buffer.concat(this.#block, this.#blockBytes);
    this.#blockOf = 0;
    this.#block = [];
    this.#blockBytes = 0;
    this.#handler.onHeaders(this.#streamId, block, 0, block.length, this.#blockEnds);
  }

  /** What is kept of a field block is copied: it may live for long in a read of 64 KiB. */
  #collect(bytes: Buffer, start: number, end: number): void {
    this.#blockBytes += end - start;
    const { blockBytes, onBlockTooLarge } = this.#options;
    if (this.#blockBytes > blockBytes || this.#block.length > this.#continuations) {
      onBlockTooLarge();
    }
    this.#block.push(Buffer.from(bytes.subarray(start, end)));
  }

  #requireStream(some: boolean): void {
    if ((this.#streamId !== 0) !== some) {
      violate(ErrorCode.PROTOCOL_ERROR, 'a frame is on a stream on which it cannot be');
    }
  }

  #requireLength(length: number): void {
    if (this.#length !== length) violate(ErrorCode.FRAME_SIZE_ERROR, lengthMismatch);
  }
}

function dependency(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) & 0x7fffffff;
}

/** RFC 9113 dropped the tree, not the rule of RFC 7540 section 5.3.1, by which older peers judge. */
function dependsOnItself(): never {
  return violate(ErrorCode.PROTOCOL_ERROR, 'a stream depends on itself');
}
