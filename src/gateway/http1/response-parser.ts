import { connectionOptions, type FieldSection, parseFields } from './fields.ts';
import { type BodyFraming, closeDelimitedBody, declaredFraming, noBody } from './framing.ts';
import type { WireLimits } from './limits.ts';
import { lineEnd } from './line.ts';
import { allOf, VALUE } from './octets.ts';
import { headText } from './request-parser.ts';
import { refuse, WireError } from './wire-error.ts';

export interface ResponseHead {
  readonly headBytes: number;
  /** 100–599; 1xx other than 101 are interim, and another head follows. */
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  /** name, value, name, value … as received. */
  readonly fields: readonly string[];
  /** Options of Connection, in lower case. */
  readonly connection: readonly string[];
  readonly body: BodyFraming;
  /** As declared, also where no body follows (HEAD, 304) and it describes the representation. */
  readonly contentLength: number | undefined;
  /** Whether the connection may carry another request after the body. */
  readonly keepAlive: boolean;
  /** The protocol switched to, in lower case: on every 101 and on nothing else. */
  readonly upgrade: string | undefined;
}

/**
 * Parses the response head that starts at bytes[start]; `undefined` while it is incomplete.
 * As strict as the request parser, but for one thing: the space before an empty reason
 * phrase may be missing, since many servers omit it and nothing hangs on it.
 *
 * @throws WireError `bad_upstream_response` (502) whatever is wrong; the connection must be
 *   closed and nothing of the message forwarded
 */
export function parseResponseHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: WireLimits,
  requestMethod: string,
): ResponseHead | undefined {
  try {
    return parseHead(headText(bytes, start, end, limits), limits, requestMethod);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new WireError('bad_upstream_response', error.message, error);
  }
}

function parseHead(
  text: string,
  limits: WireLimits,
  requestMethod: string,
): ResponseHead | undefined {
  if (!text.startsWith('HTTP/1.'.slice(0, text.length))) {
    refuse('bad_upstream_response', 'the response does not start with "HTTP/1."');
  }
  const line = lineEnd(text, 0, limits.requestLineBytes, 'bad_upstream_response');
  if (line === -1) return undefined;
  const { status, minor } = parseStatusLine(text, line);
  const section = parseFields(text, line + 2, limits.headerBytes, limits);
  if (section === undefined) return undefined;
  const connection = connectionOptions(section.connection);
  const declared = declaredFraming(section.contentLength, section.transferEncoding, minor);
  const body = responseFraming(declared, status, requestMethod);
  const persistent =
    minor === 1 ? !connection.includes('close') : connection.includes('keep-alive');
  return {
    headBytes: section.end,
    status,
    reason: text.substring(13, line),
    minor,
    fields: section.fields,
    connection,
    body,
    contentLength: declared?.kind === 'length' ? declared.length : undefined,
    keepAlive: persistent && body.kind !== 'close' && status !== 101,
    upgrade: status === 101 ? switchedProtocol(section, connection) : undefined,
  };
}

/** `HTTP/1.x SP 3DIGIT [SP reason]`, the reason from offset 13 on. */
function parseStatusLine(text: string, line: number): { status: number; minor: 0 | 1 } {
  const minor = text.charCodeAt(7) - 0x30;
  const digits = text.substring(9, Math.min(12, line));
  if ((minor !== 0 && minor !== 1) || text.charAt(8) !== ' ' || !/^[1-5]\d\d$/.test(digits)) {
    refuse('bad_upstream_response', 'the status line has no valid version and status');
  }
  if (line > 12 && (text.charAt(12) !== ' ' || !allOf(VALUE, text, 13, line))) {
    refuse('bad_upstream_response', 'the reason phrase is not valid');
  }
  return { status: Number(digits), minor };
}

/**
 * RFC 9112 §6.3. A 1xx or 204 that declares a body is refused (a length of 0 is harmless
 * and common): whoever wrote it and we might not agree on where the next response starts.
 */
function responseFraming(
  declared: BodyFraming | undefined,
  status: number,
  requestMethod: string,
): BodyFraming {
  if (status < 200 || status === 204) {
    if (declared !== undefined && !(declared.kind === 'length' && declared.length === 0)) {
      refuse('bad_upstream_response', 'a response that cannot have a body declares one');
    }
    return noBody;
  }
  if (requestMethod === 'HEAD' || status === 304) return noBody;
  return declared ?? closeDelimitedBody;
}

function switchedProtocol(section: FieldSection, connection: readonly string[]): string {
  if (section.upgrade === undefined || !connection.includes('upgrade')) {
    refuse('bad_upstream_response', 'a 101 response does not name the protocol');
  }
  return section.upgrade.toLowerCase();
}
