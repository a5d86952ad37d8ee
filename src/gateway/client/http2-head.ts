import { formatAuthority, parseAuthority } from '../http1/authority.ts';
import { findField } from '../http1/fields.ts';
import { type BodyFraming, chunkedBody, noBody } from '../http1/framing.ts';
import type { WireLimits } from '../http1/limits.ts';
import { allOf, TARGET } from '../http1/octets.ts';
import type { RequestHead } from '../http1/request-parser.ts';
import { WireError, type WireErrorCode } from '../http1/wire-error.ts';
import type { RequestSection } from '../http2/field-section.ts';

/** A request head, and what is wrong with it where it cannot be served. */
export interface TakenHead {
  readonly head: RequestHead;
  readonly refusal: WireError | undefined;
}

const noOptions: readonly string[] = [];
/** Of which a service expects content, and a length where there is none (RFC 9110 section 8.6). */
const withContent = new Set(['POST', 'PUT', 'PATCH']);
const emptyBody: BodyFraming = { kind: 'length', length: 0 };

/**
 * The head of a request in HTTP/2 in the form that everything behind the connection works with.
 * The section keeps to RFC 9113; what is judged here is what HTTP/1.1 judges as well, and with the
 * same codes.
 *
 * @param blockBytes of the field block on the wire
 * @param ended nothing follows
 */
export function requestHeadOf(
  section: RequestSection,
  blockBytes: number,
  ended: boolean,
  limits: WireLimits,
): TakenHead {
  const { method, path, fields } = section;
  const authority = parseAuthority(section.authority ?? findField(fields, 'host') ?? '');
  const mark = path.indexOf('?');
  const expect = findField(fields, 'expect');
  const body = bodyOf(section, ended);
  const head: RequestHead = {
    headBytes: blockBytes,
    method,
    target: path,
    form: path === '*' ? 'asterisk' : 'origin',
    path: mark === -1 ? path : path.slice(0, mark),
    query: mark === -1 ? '' : path.slice(mark),
    host: authority?.host ?? '',
    authority: authority === undefined ? '' : formatAuthority(authority),
    version: '2',
    minor: 1,
    fields,
    connection: noOptions,
    body,
    keepAlive: true,
    expectContinue: expect !== undefined && body.kind !== 'none',
    upgrade: undefined,
  };
  const wrong = faultOf(section, head, expect, limits);
  return { head, refusal: wrong && new WireError(wrong[0], wrong[1]) };
}

function bodyOf({ contentLength, method }: RequestSection, ended: boolean): BodyFraming {
  if (ended) return withContent.has(method) ? emptyBody : noBody;
  return contentLength < 0 ? chunkedBody : { kind: 'length', length: contentLength };
}

function faultOf(
  section: RequestSection,
  { authority, body, method, path, target }: RequestHead,
  expect: string | undefined,
  limits: WireLimits,
): readonly [WireErrorCode, string] | undefined {
  if (section.tooLarge) return ['fields_too_large', 'the field section is too large'];
  if (method === 'CONNECT') return ['method_not_supported', 'CONNECT is not served'];
  if (target.length > limits.requestLineBytes) return ['uri_too_long', ':path is too long'];
  if (section.scheme !== 'https' && section.scheme !== 'http') {
    return ['bad_target', ':scheme is neither http nor https'];
  }
  if (!isPath(path, method) || !allOf(TARGET, target, 0, target.length)) {
    return ['bad_target', ':path is not a path'];
  }
  if (authority === '') return ['bad_host', ':authority is missing or not valid'];
  if (!agrees(section, authority)) return ['bad_host', 'Host and :authority differ'];
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    return ['expectation_failed', 'Expect is not "100-continue"'];
  }
  if (method === 'TRACE' && body.kind !== 'none') {
    return ['bad_request_framing', 'TRACE with a body'];
  }
  return undefined;
}

function isPath(path: string, method: string): boolean {
  return path.charCodeAt(0) === 0x2f || (path === '*' && method === 'OPTIONS');
}

/** Both may be there, if they say the same (RFC 9113 section 8.3.1). */
function agrees({ authority, fields }: RequestSection, formatted: string): boolean {
  if (authority === undefined) return true;
  const host = findField(fields, 'host');
  if (host === undefined || host === authority) return true;
  const parsed = parseAuthority(host);
  return parsed !== undefined && formatAuthority(parsed) === formatted;
}
