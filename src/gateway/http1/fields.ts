import type { WireLimits } from './limits.ts';
import { lineEnd } from './line.ts';
import { isToken, octetClasses, TOKEN, VALUE } from './octets.ts';
import { refuse } from './wire-error.ts';

/** A field section and, picked out on the way, the fields that govern the connection. */
export interface FieldSection {
  /** name, value, name, value … as received; values without surrounding white space. */
  readonly fields: string[];
  /** Offset in the text after the empty line that closes the section. */
  end: number;
  host: string | undefined;
  contentLength: string | undefined;
  transferEncoding: string | undefined;
  /** Field lines of these three are joined by a comma (RFC 9110 §5.3). */
  connection: string | undefined;
  upgrade: string | undefined;
  expect: string | undefined;
}

const COLON = 0x3a;
const SP = 0x20;
const HTAB = 0x09;

/**
 * Parses field lines from text[from…] up to the empty line; `undefined` while that has
 * not arrived. `text` holds one octet per character.
 *
 *   Name:  value  CRLF Name:value CRLF CRLF
 *   ├──┤   ├───┤                          └ end
 *   token  VALUE octets, OWS around them dropped
 *
 * Throws `bad_field` for a line that starts with white space (obs-fold), an empty or
 * illegal name (also white space before the colon) and a control character in a value;
 * `bad_line_ending` for a bare CR or LF; `fields_too_large`; `bad_host` and
 * `bad_request_framing` for a repeated Host, Content-Length or Transfer-Encoding.
 */
export function parseFields(
  text: string,
  from: number,
  maxBytes: number,
  limits: WireLimits,
): FieldSection | undefined {
  const section: FieldSection = {
    fields: [],
    end: 0,
    host: undefined,
    contentLength: undefined,
    transferEncoding: undefined,
    connection: undefined,
    upgrade: undefined,
    expect: undefined,
  };
  const limit = from + maxBytes;
  const maxLength = limits.headerCount * 2;
  for (let at = from; ; ) {
    const end = lineEnd(text, at, limit, 'fields_too_large');
    if (end === -1) return undefined;
    if (end === at) {
      section.end = end + 2;
      return section;
    }
    if (section.fields.length >= maxLength) refuse('fields_too_large', 'too many fields');
    parseLine(text, at, end, section);
    at = end + 2;
  }
}

function parseLine(text: string, start: number, end: number, section: FieldSection): void {
  let at = start;
  while (at < end && (octetClasses[text.charCodeAt(at)]! & TOKEN) !== 0) at++;
  if (at === start || text.charCodeAt(at) !== COLON) {
    refuse('bad_field', 'a field line does not start with a name and a colon');
  }
  const name = text.substring(start, at);
  let valueStart = at + 1;
  while (valueStart < end && isWhiteSpace(text.charCodeAt(valueStart))) valueStart++;
  let valueEnd = end;
  while (valueEnd > valueStart && isWhiteSpace(text.charCodeAt(valueEnd - 1))) valueEnd--;
  for (at = valueStart; at < valueEnd; at++) {
    if ((octetClasses[text.charCodeAt(at)]! & VALUE) === 0) {
      refuse('bad_field', 'a control character in a field value');
    }
  }
  const value = text.substring(valueStart, valueEnd);
  section.fields.push(name, value);
  pickOut(section, name, value);
}

function isWhiteSpace(octet: number): boolean {
  return octet === SP || octet === HTAB;
}

/** By length first: most fields are none of these, and comparing names costs more. */
function pickOut(section: FieldSection, name: string, value: string): void {
  switch (name.length) {
    case 4:
      if (name.toLowerCase() !== 'host') return;
      if (section.host !== undefined) refuse('bad_host', 'Host is repeated');
      section.host = value;
      return;
    case 6:
      if (name.toLowerCase() === 'expect') section.expect = joined(section.expect, value);
      return;
    case 7:
      if (name.toLowerCase() === 'upgrade') section.upgrade = joined(section.upgrade, value);
      return;
    case 10:
      if (name.toLowerCase() !== 'connection') return;
      section.connection = joined(section.connection, value);
      return;
    case 14:
      if (name.toLowerCase() !== 'content-length') return;
      if (section.contentLength !== undefined) {
        refuse('bad_request_framing', 'Content-Length is repeated');
      }
      section.contentLength = value;
      return;
    case 17:
      if (name.toLowerCase() !== 'transfer-encoding') return;
      if (section.transferEncoding !== undefined) {
        refuse('bad_request_framing', 'Transfer-Encoding is repeated');
      }
      section.transferEncoding = value;
      return;
  }
}

function joined(earlier: string | undefined, value: string): string {
  return earlier === undefined ? value : `${earlier},${value}`;
}

const noOptions: readonly string[] = [];

/**
 * The options of a Connection field in lower case. Throws `bad_field` when one is not a
 * token: it would be unclear which fields are meant for this connection only.
 */
export function connectionOptions(connection: string | undefined): readonly string[] {
  if (connection === undefined) return noOptions;
  const options: string[] = [];
  for (const element of connection.toLowerCase().split(',')) {
    const option = element.trim();
    if (option === '') continue;
    if (!isToken(option)) refuse('bad_field', 'Connection names something that is not a token');
    options.push(option);
  }
  return options;
}

/** The value of the first field of that name (given in lower case), however it was written. */
export function findField(fields: readonly string[], lowerName: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return fields[at + 1];
  }
  return undefined;
}
