import { octetClasses, TARGET, TOKEN } from './octets.ts';
import { refuse } from './wire-error.ts';

export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  /** Offset after the line's CRLF. */
  readonly end: number;
}

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const ZERO = 0x30;
const maxMethodLength = 32;
const VERSION_BYTES = 'HTTP/1.1\r\n'.length;

/**
 * `method SP target SP HTTP/1.x CRLF` (RFC 9112 §3), one space each, from text[from…];
 * `undefined` while incomplete. Octets are judged in their order, as in `parseFields`.
 *
 * @param limit Offset that the line must not pass
 */
export function parseRequestLine(
  text: string,
  from: number,
  limit: number,
): RequestLine | undefined {
  const bound = Math.min(text.length, limit);
  const methodEnd = scan(text, from, bound, TOKEN);
  if (methodEnd - from > maxMethodLength) refuse('method_not_supported', 'the method is too long');
  if (methodEnd === bound) return incomplete(bound, limit);
  if (methodEnd === from || text.charCodeAt(methodEnd) !== SP) {
    refuse('bad_request_line', 'the request does not start with a method and a space');
  }
  const method = text.substring(from, methodEnd);
  if (method === 'CONNECT') refuse('method_not_supported', 'CONNECT is not supported');
  const targetEnd = scan(text, methodEnd + 1, bound, TARGET);
  if (targetEnd === bound) return incomplete(bound, limit);
  if (targetEnd === methodEnd + 1 || text.charCodeAt(targetEnd) !== SP) {
    refuseTarget(text.charCodeAt(targetEnd), targetEnd === methodEnd + 1);
  }
  const versionStart = targetEnd + 1;
  const end = versionStart + VERSION_BYTES;
  const minor = parseVersion(text, versionStart, bound);
  if (minor === undefined || end > bound) return incomplete(bound, limit);
  return { method, target: text.substring(methodEnd + 1, targetEnd), minor, end };
}

function refuseTarget(octet: number, empty: boolean): never {
  if (octet === LF) refuse('bad_line_ending', 'LF without CR before it');
  if (octet === CR || empty)
    refuse('bad_request_line', 'a request target or the version is missing');
  return refuse('bad_target', 'the request target has a character that it may not have');
}

function parseVersion(text: string, from: number, bound: number): 0 | 1 | undefined {
  if (text.startsWith('HTTP/1.1\r\n', from)) return 1;
  if (text.startsWith('HTTP/1.0\r\n', from)) return 0;
  const expected = 'HTTP/1.1\r\n';
  for (let at = 0; from + at < bound; at++) {
    const octet = text.charCodeAt(from + at);
    if (octet === expected.charCodeAt(at) || (at === 7 && octet === ZERO)) continue;
    refuseVersion(octet, at);
  }
  return undefined;
}

/** `at` counts from the start of the version; its digits are at 5 and 7. */
function refuseVersion(octet: number, at: number): never {
  if ((at === 5 || at === 7) && octet >= ZERO && octet <= ZERO + 9) {
    refuse('version_not_supported', 'the protocol version is neither HTTP/1.1 nor HTTP/1.0');
  }
  if (at === 9 || octet === LF) refuse('bad_line_ending', 'a CR or LF on its own');
  return refuse('bad_request_line', 'the request line does not end with a version');
}

function scan(text: string, from: number, bound: number, octetClass: number): number {
  let at = from;
  while (at < bound && (octetClasses[text.charCodeAt(at)]! & octetClass) !== 0) at++;
  return at;
}

function incomplete(bound: number, limit: number): undefined {
  if (bound === limit) refuse('uri_too_long', 'the request line is too long');
  return undefined;
}
