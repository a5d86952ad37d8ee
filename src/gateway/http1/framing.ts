import { refuse } from './wire-error.ts';

/** How the end of a body is found (RFC 9112 §6.3). `close` is for responses only. */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

export const noBody: BodyFraming = { kind: 'none' };
export const chunkedBody: BodyFraming = { kind: 'chunked' };
export const closeDelimitedBody: BodyFraming = { kind: 'close' };

/**
 * The framing that the two fields declare, or `undefined` when there is neither.
 *
 * Refused, though RFC 9112 §6.3 would let some of it pass, because some peer reads it
 * otherwise: both fields together; any Transfer-Encoding but one `chunked`; any at all
 * in HTTP/1.0; a Content-Length that is not plain digits without leading zeros. (A
 * repeated field never gets here: `parseFields` refuses it, equal values too.)
 */
export function declaredFraming(
  contentLength: string | undefined,
  transferEncoding: string | undefined,
  minor: 0 | 1,
): BodyFraming | undefined {
  if (transferEncoding !== undefined) {
    if (contentLength !== undefined) {
      refuse('bad_request_framing', 'both Content-Length and Transfer-Encoding');
    }
    if (minor === 0) refuse('bad_request_framing', 'Transfer-Encoding in HTTP/1.0');
    if (transferEncoding !== 'chunked' && transferEncoding.toLowerCase() !== 'chunked') {
      refuse('bad_request_framing', 'Transfer-Encoding is not exactly "chunked"');
    }
    return chunkedBody;
  }
  if (contentLength === undefined) return undefined;
  return { kind: 'length', length: parseContentLength(contentLength) };
}

/** Throws `bad_request_framing` unless the text is a decimal from 0 to 2^53 − 1 in its one form. */
function parseContentLength(text: string): number {
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9 || (at > 0 && length === 0)) {
      refuse('bad_request_framing', 'Content-Length is not a plain decimal number');
    }
    length = length * 10 + digit;
  }
  if (text === '' || length > Number.MAX_SAFE_INTEGER) {
    refuse('bad_request_framing', 'Content-Length is empty or too large');
  }
  return length;
}
