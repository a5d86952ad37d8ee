/** Bounds on what one message may make us hold, in bytes on the wire unless named otherwise. */
export interface WireLimits {
  /** Request line or status line with its CRLF. Beyond it: 414 (502 from an upstream). */
  readonly requestLineBytes: number;
  /** Field lines of one head or of one trailer section. Beyond it: 431. */
  readonly headerCount: number;
  /** Field section with the empty line that closes it. Beyond it: 431. */
  readonly headerBytes: number;
  /** One chunk-size line: size and extensions, without its CRLF. Beyond it: 400. */
  readonly chunkLineBytes: number;
  /** All chunk extensions of one body: without it, one-byte chunks cost us 1 : chunkLineBytes. */
  readonly chunkExtensionBytes: number;
  /** Trailer section with the empty line that closes it. Beyond it: 431. */
  readonly trailerBytes: number;
  /** Interim (1xx) responses to one request, and their heads together. Beyond it: 502. */
  readonly interimCount: number;
  readonly interimBytes: number;
}

export const defaultWireLimits: WireLimits = {
  requestLineBytes: 8_192,
  headerCount: 100,
  headerBytes: 32_768,
  chunkLineBytes: 256,
  chunkExtensionBytes: 16_384,
  trailerBytes: 8_192,
  interimCount: 32,
  interimBytes: 65_536,
};
