import { ErrorCode, violate } from '../http2-error.ts';
import type { Session } from './session.ts';

/** Identifiers of RFC 9113 section 6.5.2, and of RFC 9218 section 2.1. */
export const HEADER_TABLE_SIZE = 1;
export const ENABLE_PUSH = 2;
export const MAX_CONCURRENT_STREAMS = 3;
export const INITIAL_WINDOW_SIZE = 4;
export const MAX_FRAME_SIZE = 5;
export const MAX_HEADER_LIST_SIZE = 6;
export const NO_RFC7540_PRIORITIES = 9;

export const maxWindow = 2 ** 31 - 1;

/** Applies the settings of the peer in bytes[start,end), in their order. @throws Http2Error */
export function applySettings(session: Session, bytes: Buffer, start: number, end: number): void {
  for (let at = start; at < end; at += 6) {
    apply(session, bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
  }
}

/** Those that are not known are ignored (section 6.5.2). We never send frames longer than all must take. */
function apply(session: Session, identifier: number, value: number): void {
  const { outlet } = session;
  switch (identifier) {
    case HEADER_TABLE_SIZE:
      outlet.encoder.setMaxTableSize(value);
      return;
    case ENABLE_PUSH:
      // A server may say 0 only; we push nothing, whatever a client says.
      if (value > (session.role === 'server' ? 1 : 0)) {
        violate(ErrorCode.PROTOCOL_ERROR, 'ENABLE_PUSH has no valid value');
      }
      return;
    case MAX_CONCURRENT_STREAMS:
      session.peerStreams = value;
      return;
    case INITIAL_WINDOW_SIZE:
      if (value > maxWindow) {
        violate(ErrorCode.FLOW_CONTROL_ERROR, 'INITIAL_WINDOW_SIZE is too large');
      }
      resizeWindows(session, value);
      return;
    case MAX_FRAME_SIZE:
      if (value < 16_384 || value > 16_777_215) {
        violate(ErrorCode.PROTOCOL_ERROR, 'MAX_FRAME_SIZE has no valid value');
      }
  }
}

/** Windows of open streams follow; they may fall below zero (section 6.9.2). */
function resizeWindows({ outlet, table }: Session, value: number): void {
  const change = value - outlet.streamWindow;
  outlet.streamWindow = value;
  if (change === 0) return;
  for (const stream of table.all()) {
    stream.outgoing.window += change;
    if (stream.outgoing.window > maxWindow) {
      violate(ErrorCode.FLOW_CONTROL_ERROR, 'INITIAL_WINDOW_SIZE makes a window too large');
    }
    if (stream.outgoing.waiting) outlet.send(stream);
  }
}
