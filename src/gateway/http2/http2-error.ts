/** Error codes of RFC 9113 section 7. */
export const ErrorCode = Object.freeze({
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
});

/**
 * A violation of RFC 9113 by the peer, or too much of something lawful. `connection`: nothing that
 * follows can be trusted to mean what it says; `stream`: only that stream is over.
 */
export class Http2Error extends Error {
  /** See `ErrorCode`. */
  readonly code: number;
  readonly scope: 'connection' | 'stream';
  /** 0 for a connection. */
  readonly streamId: number;

  constructor(code: number, scope: 'connection' | 'stream', streamId: number, message: string) {
    super(message);
    this.name = 'Http2Error';
    this.code = code;
    this.scope = scope;
    this.streamId = streamId;
  }
}

/** @throws Http2Error of the connection */
export function violate(code: number, message: string): never {
  throw new Http2Error(code, 'connection', 0, message);
}
