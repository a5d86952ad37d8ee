/** `tchar` of RFC 9110 §5.6.2: methods, field names, codings, connection options. */
export const TOKEN = 1;
/** What a field value may hold: HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5). No CR, LF, NUL, DEL. */
export const VALUE = 2;
/** What a request target may hold: VCHAR without `#`, which starts a fragment (RFC 9112 §3.2). */
export const TARGET = 4;
/** `pchar` and `/` of RFC 3986 without `%`: what a canonical path holds besides escapes. */
export const PATH = 8;
/** `unreserved` of RFC 3986 §2.3: an escape of these means the same as the octet itself. */
export const UNRESERVED = 16;

const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The classes of each octet, as a set of the bits above. Built once, never written again. */
export const octetClasses: Uint8Array = buildClasses();

function buildClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  const add = (bit: number, octets: string) => {
    for (const octet of octets) classes[octet.charCodeAt(0)]! |= bit;
  };
  add(TOKEN, `${alphanumeric}!#$%&'*+-.^_\`|~`);
  add(UNRESERVED, `${alphanumeric}-._~`);
  add(PATH, `${alphanumeric}-._~!$&'()*+,;=:@/`);
  for (let octet = 0x20; octet <= 0xff; octet++) if (octet !== 0x7f) classes[octet]! |= VALUE;
  classes[0x09]! |= VALUE;
  for (let octet = 0x21; octet <= 0x7e; octet++) if (octet !== 0x23) classes[octet]! |= TARGET;
  return classes;
}

/** Whether every octet of text[start,end) is of the class; true for an empty range. */
export function allOf(bit: number, text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if ((octetClasses[text.charCodeAt(at)]! & bit) === 0) return false;
  }
  return true;
}

/** Whether text is a non-empty token. */
export function isToken(text: string): boolean {
  return text.length > 0 && allOf(TOKEN, text, 0, text.length);
}
