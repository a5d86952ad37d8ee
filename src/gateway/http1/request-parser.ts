import { type Authority, formatAuthority, parseAuthority } from './authority.ts';
import { connectionOptions, type FieldSection, isPersistent, parseFields } from './fields.ts';
import { type BodyFraming, declaredFraming, noBody } from './framing.ts';
import { headText, isWorthParsing } from './head-text.ts';
import type { WireLimits } from './limits.ts';
import { parseRequestLine } from './request-line.ts';
import { parseTarget, type RequestTarget } from './target.ts';
import { refuse } from './wire-error.ts';

export type HttpVersion = '1.0' | '1.1' | '2';

export interface RequestHead {
  /** What the head took in the input, an empty line before it included. */
  readonly headBytes: number;
  readonly method: string;
  /** As sent. */
  readonly target: string;
  readonly form: RequestTarget['form'];
  /** Raw path part; `*` in asterisk form. To be normalised before anything looks at it. */
  readonly path: string;
  /** With its `?`, or ''. */
  readonly query: string;
  /** Lower case, no port, no trailing dot; '' for HTTP/1.0 without Host. */
  readonly host: string;
  /** `host` or `host:port`. */
  readonly authority: string;
  /** As `Via` names it. */
  readonly version: HttpVersion;
  /** Of HTTP/1; 1 for later versions, which can do what HTTP/1.1 can. */
  readonly minor: 0 | 1;
  /** name, value, name, value … as received. */
  readonly fields: readonly string[];
  /** Options of Connection, in lower case. */
  readonly connection: readonly string[];
  readonly body: BodyFraming;
  /** Whether the client lets the connection be used again. */
  readonly keepAlive: boolean;
  /** A body follows only after `100 Continue` or a delay. */
  readonly expectContinue: boolean;
  /**
   * The one protocol that may be switched to, in lower case. Set only for a GET without
   * body in HTTP/1.1 whose Connection names `upgrade`; never `h2c`, the classic tunnel
   * past a gateway's rules. Any other offer is ignored, as RFC 9110 §7.8 allows.
   */
  readonly upgrade: string | undefined;
}

/**
 * Parses the request head that starts at bytes[start]; `undefined` while it is incomplete.
 * Bytes from `end` on are never looked at. What is wrong with an incomplete head is
 * refused at once, and with the same code as if it had come whole (see `parseFields`).
 *
 * One empty line before the request line is skipped (RFC 9112 §2.2), a second refused.
 *
 * @param seen Octets of this head that an earlier call saw in vain. Then nothing is done
 *   until a line ends or the head outgrows all limits: one that trickles in octet by octet
 *   costs a parse for each line, not for each octet.
 * @throws WireError whose `status` to answer before closing the connection
 */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: WireLimits,
  seen = 0,
): RequestHead | undefined {
  if (seen > 0 && !isWorthParsing(bytes, start, start + seen, end, limits)) return undefined;
  const text = headText(bytes, start, end, limits);
  const from = text.startsWith('\r\n') ? 2 : 0;
  if (text.length === from || text === '\r') return undefined;
  const line = parseRequestLine(text, from, from + limits.requestLineBytes);
  if (line === undefined) return undefined;
  const { method, target, minor } = line;
  const parts = parseTarget(target, method);
  const section = parseFields(text, line.end, limits.headerBytes, limits);
  if (section === undefined) return undefined;
  const authority = effectiveAuthority(parts, section.host, minor);
  const body = requestFraming(section, method, minor);
  const connection = connectionOptions(section.connection);
  return {
    headBytes: section.end,
    method,
    target,
    form: parts.form,
    path: parts.path,
    query: parts.query,
    host: authority.host,
    authority: formatAuthority(authority),
    version: minor === 1 ? '1.1' : '1.0',
    minor,
    fields: section.fields,
    connection,
    body,
    keepAlive: isPersistent(connection, minor),
    expectContinue: expectsContinue(section.expect, minor, body),
    upgrade: offeredProtocol(section.upgrade, connection, method, minor, body),
  };
}

/** Throws `bad_host` unless the Host field is there once, valid, and agrees with the target. */
function effectiveAuthority(
  target: RequestTarget,
  field: string | undefined,
  minor: 0 | 1,
): Authority {
  const named = target.authority;
  if (field === undefined) {
    if (minor === 1) refuse('bad_host', 'Host is missing');
    return named ?? { host: '', port: '' };
  }
  const sent = parseAuthority(field);
  if (sent === undefined) refuse('bad_host', 'Host is empty or not valid');
  if (named === undefined) return sent;
  const samePort = (sent.port || named.defaultPort) === (named.port || named.defaultPort);
  if (sent.host !== named.host || !samePort) {
    refuse('bad_host', 'Host and the request target name different hosts');
  }
  return named;
}

function requestFraming(section: FieldSection, method: string, minor: 0 | 1): BodyFraming {
  const body = declaredFraming(section.contentLength, section.transferEncoding, minor);
  if (body === undefined) return noBody;
  if (method === 'TRACE') refuse('bad_request_framing', 'TRACE with a body');
  return body;
}

/** HTTP/1.0 cannot expect (RFC 9110 §10.1.1), and without a body there is nothing to wait for. */
function expectsContinue(expect: string | undefined, minor: 0 | 1, body: BodyFraming): boolean {
  if (expect === undefined || minor === 0) return false;
  if (expect.toLowerCase() !== '100-continue') {
    refuse('expectation_failed', 'Expect is not "100-continue"');
  }
  return body.kind !== 'none';
}

function offeredProtocol(
  upgrade: string | undefined,
  connection: readonly string[],
  method: string,
  minor: 0 | 1,
  body: BodyFraming,
): string | undefined {
  if (upgrade === undefined || method !== 'GET' || minor === 0 || body.kind !== 'none') return;
  if (!connection.includes('upgrade')) return;
  const protocol = upgrade.toLowerCase();
  return /^[a-z0-9-]+(\/[a-z0-9.]+)?$/.test(protocol) && protocol !== 'h2c' ? protocol : undefined;
}
