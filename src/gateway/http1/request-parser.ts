import { type Authority, formatAuthority, parseAuthority } from './authority.ts';
import { connectionOptions, type FieldSection, parseFields } from './fields.ts';
import { type BodyFraming, declaredFraming, noBody } from './framing.ts';
import type { WireLimits } from './limits.ts';
import { lineEnd } from './line.ts';
import { octetClasses, TOKEN } from './octets.ts';
import { parseTarget, type RequestTarget } from './target.ts';
import { refuse } from './wire-error.ts';

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

const SP = 0x20;
const maxMethodLength = 32;

/**
 * Parses the request head that starts at bytes[start]; `undefined` while it is incomplete.
 * Bytes from `end` on are never looked at. What is wrong with an incomplete head is
 * refused at once, and with the same code as if it had come whole.
 *
 * One empty line before the request line is skipped (RFC 9112 §2.2), a second refused.
 *
 * @throws WireError whose `status` to answer before closing the connection
 */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: WireLimits,
): RequestHead | undefined {
  const text = headText(bytes, start, end, limits);
  const from = text.startsWith('\r\n') ? 2 : 0;
  if (text.length === from || text === '\r') return undefined;
  const methodEnd = scanMethod(text, from);
  const line = lineEnd(text, from, from + limits.requestLineBytes, 'uri_too_long');
  if (line === -1) return undefined;
  const method = text.substring(from, methodEnd);
  const minor = parseVersion(text, methodEnd, line);
  const target = text.substring(methodEnd + 1, line - 9);
  const parts = parseTarget(target, method);
  const section = parseFields(text, line + 2, limits.headerBytes, limits);
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
    minor,
    fields: section.fields,
    connection,
    body,
    keepAlive: minor === 1 ? !connection.includes('close') : connection.includes('keep-alive'),
    expectContinue: expectsContinue(section.expect, minor, body),
    upgrade: offeredProtocol(section.upgrade, connection, method, minor, body),
  };
}

/**
 * The head as a string of one character per octet. Searching for its end first keeps a
 * body or pipelined requests behind it out of the copy; an incomplete head is copied up
 * to a little more than the limits allow, which is enough to see that they are passed.
 */
export function headText(bytes: Buffer, start: number, end: number, limits: WireLimits): string {
  const close = bytes.indexOf('\r\n\r\n', start, 'latin1');
  const most = start + limits.requestLineBytes + limits.headerBytes + 4;
  const stop = close === -1 ? end : Math.min(end, close + 4);
  return bytes.toString('latin1', start, Math.min(stop, most));
}

/** The offset of the space after the method; the text's length while the method is incomplete. */
function scanMethod(text: string, from: number): number {
  let at = from;
  while (at < text.length && (octetClasses[text.charCodeAt(at)]! & TOKEN) !== 0) at++;
  if (at - from > maxMethodLength) refuse('method_not_supported', 'the method is too long');
  if (at < text.length && (at === from || text.charCodeAt(at) !== SP)) {
    refuse('bad_request_line', 'the request does not start with a method and a space');
  }
  if (at - from === 7 && at < text.length && text.startsWith('CONNECT', from)) {
    refuse('method_not_supported', 'CONNECT is not supported');
  }
  return at;
}

/** The minor version from ` HTTP/1.x` at the end of the line, which nothing else may follow. */
function parseVersion(text: string, methodEnd: number, line: number): 0 | 1 {
  const start = line - 8;
  if (start > methodEnd + 1 && text.charCodeAt(start - 1) === SP) {
    if (text.startsWith('HTTP/1.1', start)) return 1;
    if (text.startsWith('HTTP/1.0', start)) return 0;
    if (/^HTTP\/\d\.\d$/.test(text.substring(start, line))) {
      refuse('version_not_supported', 'the protocol version is neither HTTP/1.1 nor HTTP/1.0');
    }
  }
  return refuse('bad_request_line', 'the request line does not end with a target and a version');
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
