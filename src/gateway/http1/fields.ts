import type { WireLimits } from './limits.ts';
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

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const SP = 0x20;
const HTAB = 0x09;

/**
 * Parses field lines from text[from…] up to the empty line; `undefined` while that has
 * not arrived. `text` holds one octet per character.
 *
 *   Name:  value  CRLF Name:value CRLF CRLF
 *   ├──┤   ├───┤                          └ end
 *   token  VALUE octets, white space around them dropped
 *
 * Octets are judged strictly in their order, each as soon as it is there, so the outcome
 * never depends on how they were split over reads, and nobody waits for the answer to a
 * message that can no longer become valid. In particular only CRLF ends a line (RFC 9112
 * §2.2 would allow a bare LF; it is where parsers disagree).
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
  const bound = Math.min(text.length, from + maxBytes);
  let at = from;
  while (at < bound && text.charCodeAt(at) !== CR) {
    if (section.fields.length === limits.headerCount * 2) {
      refuse('fields_too_large', 'too many fields');
    }
    at = parseLine(text, at, bound, section);
  }
  if (at + 1 < bound) {
    expectLf(text, at + 1);
    section.end = at + 2;
    return section;
  }
  if (bound === from + maxBytes) refuse('fields_too_large', 'the field section is too long');
  return undefined;
}

/** The offset after the line's CRLF, or `bound` while the line is incomplete. */
function parseLine(text: string, start: number, bound: number, section: FieldSection): number {
  let at = start;
  while (at < bound && (octetClasses[text.charCodeAt(at)]! & TOKEN) !== 0) at++;
  if (at === bound) return bound;
  if (at === start || text.charCodeAt(at) !== COLON) refuseName(text.charCodeAt(at));
  const nameEnd = at++;
  while (at < bound && isWhiteSpace(text.charCodeAt(at))) at++;
  const valueStart = at;
  while (at < bound && (octetClasses[text.charCodeAt(at)]! & VALUE) !== 0) at++;
  if (at === bound) return bound;
  if (text.charCodeAt(at) !== CR) refuseValue(text.charCodeAt(at));
  if (at + 1 === bound) return bound;
  expectLf(text, at + 1);
  const next = at + 2;
  while (at > valueStart && isWhiteSpace(text.charCodeAt(at - 1))) at--;
  const name = text.substring(start, nameEnd);
  const value = text.substring(valueStart, at);
  section.fields.push(name, value);
  pickOut(section, name, value, at < next - 2);
  return next;
}

/** Throws unless text[at] is the LF of a CRLF. */
export function expectLf(text: string, at: number): void {
  if (text.charCodeAt(at) !== LF) refuse('bad_line_ending', 'CR without LF after it');
}

function refuseName(octet: number): never {
  if (octet === LF) refuse('bad_line_ending', 'LF without CR before it');
  return refuse('bad_field', 'a field line does not start with a name and a colon');
}

function refuseValue(octet: number): never {
  if (octet === LF) refuse('bad_line_ending', 'LF without CR before it');
  return refuse('bad_field', 'a control character in a field value');
}

function isWhiteSpace(octet: number): boolean {
  return octet === SP || octet === HTAB;
}

/** By length and first letter: most fields are none of these, and comparing names costs more. */
function pickOut(section: FieldSection, name: string, value: string, padded: boolean): void {
  const letter = name.charCodeAt(0) | 0x20;
  switch (name.length) {
    case 4:
      if (letter === 0x68 && name.toLowerCase() === 'host') takeHost(section, value);
      return;
    case 6:
      if (letter === 0x65 && name.toLowerCase() === 'expect') {
        section.expect = joined(section.expect, value);
      }
      return;
    case 7:
      if (letter === 0x75 && name.toLowerCase() === 'upgrade') {
        section.upgrade = joined(section.upgrade, value);
      }
      return;
    case 10:
      if (letter === 0x63 && name.toLowerCase() === 'connection') {
        section.connection = joined(section.connection, value);
      }
      return;
    case 14:
      if (letter === 0x63 && name.toLowerCase() === 'content-length') takeLength(section, value);
      return;
    case 17:
      if (letter === 0x74 && name.toLowerCase() === 'transfer-encoding') {
        takeCoding(section, value, padded);
      }
      return;
  }
}

function takeHost(section: FieldSection, value: string): void {
  if (section.host !== undefined) refuse('bad_host', 'Host is repeated');
  section.host = value;
}

function takeLength(section: FieldSection, value: string): void {
  if (section.contentLength !== undefined) {
    refuse('bad_request_framing', 'Content-Length is repeated');
  }
  section.contentLength = value;
}

/** White space after the value is lawful, but some parsers, llhttp too, take HTAB for part of it. */
function takeCoding(section: FieldSection, value: string, padded: boolean): void {
  if (padded) refuse('bad_request_framing', 'white space after Transfer-Encoding');
  if (section.transferEncoding !== undefined) {
    refuse('bad_request_framing', 'Transfer-Encoding is repeated');
  }
  section.transferEncoding = value;
}

function joined(earlier: string | undefined, value: string): string {
  return earlier === undefined ? value : `${earlier},${value}`;
}

const noOptions: readonly string[] = [];
const keepAliveOnly: readonly string[] = ['keep-alive'];

/**
 * The options of a Connection field in lower case. Throws `bad_field` when one is not a
 * token: it would be unclear which fields are meant for this connection only.
 */
export function connectionOptions(connection: string | undefined): readonly string[] {
  if (connection === undefined) return noOptions;
  if (connection === 'keep-alive') return keepAliveOnly;
  const options: string[] = [];
  for (const element of connection.toLowerCase().split(',')) {
    const option = trimmed(element);
    if (option === '') continue;
    if (!isToken(option)) refuse('bad_field', 'Connection names something that is not a token');
    options.push(option);
  }
  return options;
}

/** Whether the sender lets the connection be used again (RFC 9112 §9.3). */
export function isPersistent(connection: readonly string[], minor: 0 | 1): boolean {
  if (connection.length === 0) return minor === 1;
  return !connection.includes('close') && (minor === 1 || connection.includes('keep-alive'));
}

/** Without SP and HTAB around it. (`trim` would take obs-text such as 0xa0 for white space.) */
function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}

/** The value of the first field of that name (given in lower case), however it was written. */
export function findField(fields: readonly string[], lowerName: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return fields[at + 1];
  }
  return undefined;
}
