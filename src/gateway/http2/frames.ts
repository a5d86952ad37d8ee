/*
 * A frame (RFC 9113 section 4.1):
 *
 *   0        3      4       5                9
 *   ┌────────┬──────┬───────┬─┬──────────────┬─────────
 *   │ length │ type │ flags │R│ stream id    │ payload …
 *   └────────┴──────┴───────┴─┴──────────────┴─────────
 */

export const frameHeaderBytes = 9;

export const DATA = 0x0;
export const HEADERS = 0x1;
export const PRIORITY = 0x2;
export const RST_STREAM = 0x3;
export const SETTINGS = 0x4;
export const PUSH_PROMISE = 0x5;
export const PING = 0x6;
export const GOAWAY = 0x7;
export const WINDOW_UPDATE = 0x8;
export const CONTINUATION = 0x9;

/** Flags; the first has two names. */
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY_FLAG = 0x20;

/** What a client sends before its first frame (section 3.4). */
export const clientPreface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** The longest payload that every endpoint must take, and all that we send or take. */
export const maxFrameBytes = 16_384;

/**
 * Takes frames one by one, each checked for what it can be checked for without knowing of streams.
 * `bytes[start,end)` is borrowed until the call returns.
 */
export interface FrameHandler {
  /** @param length of the payload, padding included: all of it counts for flow control */
  onDataBegin(streamId: number, length: number): void;
  /** Content, as it comes: in any number of parts. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** @param padding octets of the payload that were no content */
  onDataEnd(streamId: number, ends: boolean, length: number, padding: number): void;
  /** A whole field block, of HEADERS and its CONTINUATIONs. */
  onHeaders(streamId: number, block: Buffer, start: number, end: number, ends: boolean): void;
  onPriority(streamId: number): void;
  onRstStream(streamId: number, code: number): void;
  /** Payload of pairs, 6 octets each. */
  onSettings(bytes: Buffer, start: number, end: number): void;
  onSettingsAck(): void;
  /** Eight octets. */
  onPing(bytes: Buffer, start: number, ack: boolean): void;
  onGoAway(lastStreamId: number, code: number): void;
  onWindowUpdate(streamId: number, increment: number): void;
  /** Of a type that we do not know; its payload is passed over. */
  onUnknown(type: number): void;
}
