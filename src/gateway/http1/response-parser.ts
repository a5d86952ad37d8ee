import { connectionOptions, type FieldSection, isPersistent, parseFields } from './fields.ts';
import { type BodyFraming, closeDelimitedBody, declaredFraming, noBody } from './framing.ts';
import { headText } from './head-text.ts';
import type { WireLimits } from './limits.ts';
import { parseStatusLine } from './status-line.ts';
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
  const line = parseStatusLine(text, limits.requestLineBytes);
  if (line === undefined) return undefined;
  const section = parseFields(text, line.end, limits.headerBytes, limits);
  if (section === undefined) return undefined;
  const { status, minor } = line;
  const connection = connectionOptions(section.connection);
  const declared = declaredFraming(section.contentLength, section.transferEncoding, minor);
  const body = responseFraming(declared, status, requestMethod);
  return {
    headBytes: section.end,
    status,
    reason: line.reason,
    minor,
    fields: section.fields,
    connection,
    body,
    contentLength: declared?.kind === 'length' ? declared.length : undefined,
    keepAlive: isPersistent(connection, minor) && body.kind !== 'close' && status !== 101,
    upgrade: status === 101 ? switchedProtocol(section, connection) : undefined,
  };
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
