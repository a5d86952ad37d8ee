import { octetClasses, TOKEN, VALUE } from '../http1/octets.ts';

const COLON = 0x3a;
const SP = 0x20;
const HTAB = 0x09;

/** By octet: what a field name may hold, which is a token without capitals. */
const nameOctets: Uint8Array = octetClasses.map((classes, octet) =>
  octet >= 0x41 && octet <= 0x5a ? 0 : classes & TOKEN,
);

/**
 * Whether it is a field name (RFC 9113 section 8.2.1), or may be that of a pseudo field. Each
 * character an octet.
 */
export function isFieldName(text: string): boolean {
  const { length } = text;
  for (let at = text.charCodeAt(0) === COLON ? 1 : 0; at < length; at++) {
    if (nameOctets[text.charCodeAt(at)] === 0) return false;
  }
  return length > 0;
}

/** No control character but HTAB, and no white space around it (RFC 9113 section 8.2.1). */
export function isFieldValue(text: string): boolean {
  const { length } = text;
  if (length === 0) return true;
  if (isSpace(text.charCodeAt(0)) || isSpace(text.charCodeAt(length - 1))) return false;
  for (let at = 0; at < length; at++) {
    if ((octetClasses[text.charCodeAt(at)]! & VALUE) === 0) return false;
  }
  return true;
}

function isSpace(octet: number): boolean {
  return octet === SP || octet === HTAB;
}
