import { fieldsOfLines } from '../exchange/answers.ts';
import { findField } from '../http1/fields.ts';
import type { ResponseHead } from '../http1/response-parser.ts';
import type { OutgoingRequest } from '../http1/serialise.ts';
import {
  isRequestFieldStripped,
  isResponseFieldStripped,
  isTrailerStripped,
  namedFields,
} from '../http1/strip.ts';

/*
 * What is sent on in HTTP/2: name, value, name, value …, names in lower case. The same fields may pass
 * as in HTTP/1.1 (`strip.ts`), which leaves none that is about one connection (RFC 9113 section 8.2.2).
 */

/**
 * A request head in HTTP/2: name, value, name, value … in lower case. What may pass is the same as
 * towards HTTP/1.1, and `te: trailers` besides (RFC 9113 section 8.2.2), which gRPC asks for.
 */
export function requestFields(request: OutgoingRequest, scheme: 'http' | 'https'): string[] {
  const { method, target, authority, head, fields, body, strip, extra } = request;
  const out = [':method', method, ':scheme', scheme, ':authority', authority, ':path', target];
  if (body.kind === 'length') out.push('content-length', String(body.length));
  const named = namedFields(head.connection);
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (isRequestFieldStripped(name, named, strip)) continue;
    out.push(name.toLowerCase(), fields[at + 1]!);
  }
  if (takesTrailers(head.fields)) out.push('te', 'trailers');
  if (request.expectContinue ?? head.expectContinue) out.push('expect', '100-continue');
  out.push(...fieldsOfLines(extra));
  return out;
}

function takesTrailers(fields: readonly string[]): boolean {
  const te = findField(fields, 'te');
  return te !== undefined && /(?:^|,)[ \t]*trailers[ \t]*(?:$|,)/i.test(te);
}

/**
 * A response head from upstream as a client in HTTP/2 gets it: name, value, name, value …, names in
 * lower case, without fields that are about one connection (RFC 9113 section 8.2.2).
 *
 * @param extra lines of the gateway itself, each with CRLF
 */
export function responseFields(head: ResponseHead, extra: string, fromPeer: boolean): string[] {
  const { status, contentLength, fields } = head;
  const out = [':status', String(status)];
  if (contentLength !== undefined && status >= 200 && status !== 204) {
    out.push('content-length', String(contentLength));
  }
  const named = namedFields(head.connection);
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (isResponseFieldStripped(name, named, fromPeer)) continue;
    out.push(name.toLowerCase(), fields[at + 1]!);
  }
  if (extra !== '') out.push(...fieldsOfLines(extra));
  return out;
}

const noTrailers: readonly string[] = [];

/** Those that may be forwarded (RFC 9110 section 6.5.1), in lower case. */
export function forwardedTrailers(trailers: readonly string[]): readonly string[] {
  if (trailers.length === 0) return noTrailers;
  const out: string[] = [];
  for (let at = 0; at < trailers.length; at += 2) {
    const name = trailers[at]!;
    if (!isTrailerStripped(name)) out.push(name.toLowerCase(), trailers[at + 1]!);
  }
  return out;
}
