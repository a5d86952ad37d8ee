import { refuse, type WireErrorCode } from './wire-error.ts';

const LF = 0x0a;

/**
 * The offset of the CRLF that ends the line at `from`, or -1 while it has not arrived.
 *
 * Only CRLF ends a line. A CR or LF on its own is refused where it stands, RFC 9112
 * §2.2's licence to accept it notwithstanding: it is where parsers disagree. It is
 * refused as soon as it is seen, so that no sender is left waiting for an answer, and
 * in the order of the octets, so that the outcome does not depend on how they arrived.
 *
 * @param limit Offset that the line with its CRLF must not pass; else `overflow`.
 */
export function lineEnd(
  text: string,
  from: number,
  limit: number,
  overflow: WireErrorCode,
): number {
  const lf = text.indexOf('\n', from);
  const cr = text.indexOf('\r', from);
  const first = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr;
  if (first === -1) {
    if (text.length + 2 > limit) refuse(overflow, 'the line or section is too long');
    return -1;
  }
  if (first + 2 > limit) refuse(overflow, 'the line or section is too long');
  if (first === lf) refuse('bad_line_ending', 'LF without CR before it');
  if (first + 1 === text.length) return -1;
  if (text.charCodeAt(first + 1) !== LF) refuse('bad_line_ending', 'CR without LF after it');
  return first;
}
