import { type BodyFraming, chunkedBody, closeDelimitedBody } from '../http1/framing.ts';

/**
 * How a body from upstream is framed for a client of that minor version: HTTP/1.0 knows
 * no chunks; HTTP/1.1 is not left in doubt whether a close is the end.
 */
export function framingFor(minor: 0 | 1, body: BodyFraming): BodyFraming {
  if (body.kind === 'close' && minor === 1) return chunkedBody;
  if (body.kind === 'chunked' && minor === 0) return closeDelimitedBody;
  return body;
}
