import { expectLf } from './fields.ts';
import { octetClasses, VALUE } from './octets.ts';
import { refuse } from './wire-error.ts';

export interface StatusLine {
  readonly minor: 0 | 1;
  /** 100–599. */
  readonly status: number;
  readonly reason: string;
  /** Offset after the line's CRLF. */
  readonly end: number;
}

const CR = 0x0d;
const SP = 0x20;
/** What nearly every response starts with. */
const usual = 'HTTP/1.1 200 OK\r\n';
const usualLine: StatusLine = { minor: 1, status: 200, reason: 'OK', end: usual.length };
const REASON = 'HTTP/1.1 200 '.length;

/**
 * `HTTP/1.x SP 3DIGIT SP reason CRLF` (RFC 9112 §4) at the start of the text; `undefined`
 * while incomplete. The second space may be missing, since many servers omit it with an
 * empty reason and nothing hangs on it.
 */
export function parseStatusLine(text: string, limit: number): StatusLine | undefined {
  if (text.startsWith(usual) && limit >= usual.length) return usualLine;
  const bound = Math.min(text.length, limit);
  const start = text.substring(0, REASON);
  const complete = start + 'HTTP/1.1 200 '.slice(start.length);
  if (!/^HTTP\/1\.[01] [1-5][0-9][0-9][ \r]$/.test(complete)) {
    refuse('bad_upstream_response', 'the response does not start with a version and a status');
  }
  if (start.length < REASON) return undefined;
  let at = text.charCodeAt(REASON - 1) === SP ? REASON : REASON - 1;
  while (at < bound && (octetClasses[text.charCodeAt(at)]! & VALUE) !== 0) at++;
  if (at + 1 >= bound) {
    if (bound === limit) refuse('bad_upstream_response', 'the status line is too long');
    if (at === bound) return undefined;
  }
  if (text.charCodeAt(at) !== CR) {
    refuse('bad_upstream_response', 'a control character in the reason phrase');
  }
  if (at + 1 === bound) return undefined;
  expectLf(text, at + 1);
  return {
    minor: text.charCodeAt(7) === 0x31 ? 1 : 0,
    status: Number(text.substring(9, 12)),
    reason: text.slice(REASON, at),
    end: at + 2,
  };
}
