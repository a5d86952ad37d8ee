import { MeridianError } from '../../base/errors.ts';
import type { BodyFraming } from './framing.ts';
import { allOf, isToken, TARGET, VALUE } from './octets.ts';
import type { RequestHead } from './request-parser.ts';
import type { ResponseHead } from './response-parser.ts';
import {
  isRequestFieldStripped,
  isResponseFieldStripped,
  isTrailerStripped,
  namedFields,
} from './strip.ts';

/*
 * Every message that leaves is written here, as latin1 text (`socket.write(text, 'latin1')`):
 *
 *   start line            from checked parts
 *   Host, framing         made anew
 *   end-to-end fields     as received, minus what `strip.ts` says
 *   extra                 the gateway's own lines, last: no Connection option of the
 *                         sender can remove them, since they are never compared with it
 *   empty line
 */

export interface OutgoingRequest {
  readonly method: string;
  /** Origin form of the normalised path with its query, or `*`. */
  readonly target: string;
  /** Value of Host. */
  readonly authority: string;
  readonly head: RequestHead;
  /** End-to-end fields to go along: those of `head`, or what policies made of them. */
  readonly fields: readonly string[];
  readonly body: BodyFraming;
  /**
   * Complete lines, `Name: value CRLF` each, of values that were parsed or made here, or
   * from `fieldLine`. Not looked at again: that would cost a copy of the text.
   */
  readonly extra: string;
  /** From where `head` came: forwarding fields are kept only from the inter-region link. */
  readonly strip: 'outside' | 'link';
  /** Whether to send `Expect: 100-continue`; default: as the client did. */
  readonly expectContinue?: boolean;
}

export interface OutgoingResponse {
  readonly head: ResponseHead;
  readonly body: BodyFraming;
  /** False adds `Connection: close`. */
  readonly keepAlive: boolean;
  readonly extra: string;
  /** Answered by another region's gateway, whose Meridian-Region is kept. */
  readonly fromPeer: boolean;
  /** Of the client's request; HTTP/1.0 must be told that the connection is kept. Default 1. */
  readonly clientMinor?: 0 | 1;
}

/** Throws `unsafe_head` (a defect of ours, not of a peer) for parts that could split a message. */
export function serialiseRequestHead(r: OutgoingRequest): string {
  if (!isToken(r.method) || !isTarget(r.target) || !isTarget(r.authority)) unsafe();
  let text = `${r.method} ${r.target} HTTP/1.1\r\nHost: ${r.authority}\r\n`;
  text += framingLine(r.body);
  if (r.expectContinue ?? r.head.expectContinue) text += 'Expect: 100-continue\r\n';
  const { fields } = r;
  const named = namedFields(r.head.connection);
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (isRequestFieldStripped(name, named, r.strip)) continue;
    text += `${name}: ${fields[at + 1]!}\r\n`;
  }
  return `${text}${upgradeLines(r.head.upgrade)}${r.extra}\r\n`;
}

/**
 * `head.contentLength` is sent with `body` `none` too, where it describes what a GET would
 * return (HEAD, 304).
 */
export function serialiseResponseHead(r: OutgoingResponse): string {
  const { fields, status, contentLength } = r.head;
  const named = namedFields(r.head.connection);
  let text = `HTTP/1.1 ${status} ${r.head.reason}\r\n`;
  if (r.body.kind !== 'none') text += framingLine(r.body);
  else if (contentLength !== undefined && status >= 200 && status !== 204) {
    text += `Content-Length: ${contentLength}\r\n`;
  }
  if (status >= 200) text += connectionLine(r);
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (isResponseFieldStripped(name, named, r.fromPeer)) continue;
    text += `${name}: ${fields[at + 1]!}\r\n`;
  }
  return `${text}${upgradeLines(r.head.upgrade)}${r.extra}\r\n`;
}

/** Both lines are always removed from what was received. */
function upgradeLines(protocol: string | undefined): string {
  return protocol === undefined ? '' : `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`;
}

function connectionLine(r: OutgoingResponse): string {
  if (!r.keepAlive || r.body.kind === 'close') return 'Connection: close\r\n';
  return r.clientMinor === 0 ? 'Connection: keep-alive\r\n' : '';
}

function framingLine(body: BodyFraming): string {
  if (body.kind === 'length') return `Content-Length: ${body.length}\r\n`;
  return body.kind === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : '';
}

/**
 * `Name: value CRLF` for `extra`. Throws `unsafe_head` for what cannot be a field, and for what
 * is no text though the types say so: a plugin may give an error, whose text a client chose.
 */
export function fieldLine(name: string, value: string): string {
  if (typeof name !== 'string' || typeof value !== 'string') unsafe();
  if (!isToken(name) || !allOf(VALUE, value, 0, value.length)) unsafe();
  return `${name}: ${value}\r\n`;
}

/** What goes before a chunk's data; CRLF goes after it. `bytes` > 0, or it would end the body. */
export function chunkHeader(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}

/** Ends a chunked body that has no trailers. */
export const lastChunk = '0\r\n\r\n';

/** Ends a chunked body, with those trailers that may be forwarded (RFC 9110 §6.5.1). */
export function lastChunkWith(trailers: readonly string[]): string {
  if (trailers.length === 0) return lastChunk;
  let text = '0\r\n';
  for (let at = 0; at < trailers.length; at += 2) {
    if (!isTrailerStripped(trailers[at]!)) text += `${trailers[at]!}: ${trailers[at + 1]!}\r\n`;
  }
  return `${text}\r\n`;
}

function isTarget(text: string): boolean {
  return allOf(TARGET, text, 0, text.length);
}

function unsafe(): never {
  throw new MeridianError('unsafe_head', 'refused to write a head that could be split');
}
