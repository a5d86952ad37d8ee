import { octetClasses, PATH, UNRESERVED } from '../http1/octets.ts';
import { refuse } from '../http1/wire-error.ts';

const PERCENT = 0x25;
const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * The one canonical form of a request path: what is routed, checked by policies, logged
 * and forwarded. Two spellings that some server treats as one path get one form here, or
 * are refused with 400 `bad_path`:
 *
 *  1. It starts with `/`. Query and fragment are not part of it: `?` and `#` are refused.
 *  2. Refused: control characters, space, non-ASCII octets and `\`, raw or escaped;
 *     `%2F` (a slash that is not a separator to everyone); `%` without two hex digits;
 *     escapes that are not well-formed UTF-8 (overlong forms of `/` and `.`). An escaped
 *     space, `%20`, is fine.
 *  3. Escapes of unreserved characters are decoded (RFC 3986 §6.2.2.2), so `%2e` is `.`
 *     before rule 6; all others keep their escape with upper-case digits, `%25` too, so
 *     that nothing is ever decoded twice.
 *  4. Visible characters that RFC 3986 does not allow in a path (`"<>[]^`{|}`) are escaped.
 *  5. `//` becomes `/`, before dots are resolved: `/a//../b` is `/b`.
 *  6. `.` and `..` segments are resolved (§5.2.4); one above the root is refused, and so
 *     is one with parameters (`..;x`), which some servers resolve after dropping them.
 *
 * Idempotent. A canonical path is returned as is, without a copy.
 */
export function normalisePath(raw: string): string {
  return isCanonical(raw) ? raw : resolveSegments(normaliseOctets(raw));
}

/** Whether nothing is to be done, judged in one pass; paths with an escape go the long way. */
function isCanonical(raw: string): boolean {
  if (raw.charCodeAt(0) !== SLASH) return false;
  let previous = 0;
  for (let at = 0; at < raw.length; at++) {
    const octet = raw.charCodeAt(at);
    if ((octetClasses[octet]! & PATH) === 0) return false;
    if (previous === SLASH && (octet === SLASH || octet === DOT)) return false;
    previous = octet;
  }
  return true;
}

/** Rules 1 to 4. */
function normaliseOctets(raw: string): string {
  if (raw.charCodeAt(0) !== SLASH) refuse('bad_path', 'the path does not start with "/"');
  let text = '';
  for (let at = 0; at < raw.length; at++) {
    const octet = raw.charCodeAt(at);
    if (octet === PERCENT) {
      text += normaliseEscape(raw.substring(at + 1, at + 3));
      at += 2;
    } else if ((octetClasses[octet]! & PATH) !== 0) text += raw.charAt(at);
    else if (octet > 0x20 && octet < 0x7f && !'\\?#'.includes(raw.charAt(at)))
      text += escapeOf(octet);
    else refuse('bad_path', 'the path has a character that it may not have');
  }
  return text;
}

function normaliseEscape(digits: string): string {
  if (!/^[0-9A-Fa-f]{2}$/.test(digits)) refuse('bad_path', 'the path has an incomplete escape');
  const octet = Number.parseInt(digits, 16);
  if ((octetClasses[octet]! & UNRESERVED) !== 0) return String.fromCharCode(octet);
  if (octet < 0x20 || octet === 0x7f || octet === SLASH || octet === 0x5c) {
    refuse('bad_path', 'the path has an escaped control character, slash or backslash');
  }
  return escapeOf(octet);
}

function escapeOf(octet: number): string {
  return `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Rules 5 and 6, and the check of escaped UTF-8 from rule 2. */
function resolveSegments(path: string): string {
  if (/%[89A-F]/.test(path) && !isWellFormed(path)) {
    refuse('bad_path', 'the path has escapes that are not UTF-8');
  }
  const kept: string[] = [];
  let endsInSlash = true;
  for (const segment of path.split('/')) {
    if (segment === '') {
      endsInSlash = true;
      continue;
    }
    if (/^\.\.?(;|%3B)/.test(segment)) refuse('bad_path', 'a dot segment with parameters');
    endsInSlash = segment === '.' || segment === '..';
    if (segment === '..' && kept.pop() === undefined)
      refuse('bad_path', 'the path climbs above "/"');
    if (!endsInSlash) kept.push(segment);
  }
  if (kept.length === 0) return '/';
  return `/${kept.join('/')}${endsInSlash ? '/' : ''}`;
}

function isWellFormed(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
