import { isIP } from 'node:net';
import { findField } from '../http1/fields.ts';
import type { RequestHead } from '../http1/request-parser.ts';
import type { ClientCertificate } from '../listener/client-certificate.ts';
import type { HttpsRedirect } from '../listener/listener-options.ts';
import type { TlsChannel } from '../listener/tls-channel.ts';
import type { RandomHex } from '../random-hex.ts';
import { parseTraceParent } from './trace.ts';

/** Where connections come in. `Listener` is the one. */
export interface Entrance {
  readonly name: string;
  readonly protocol: 'http' | 'https';
  /** Whether HTTP/2 may be spoken there. */
  readonly http2: boolean;
  /** Where all its requests are sent on to; `undefined`: they are served. */
  readonly redirect: HttpsRedirect | undefined;
  /** It accepts no more: clients that came in by it are to leave. */
  readonly gone: boolean;
}

/** How a connection was accepted: what is the same for all its requests. */
export class ConnectionOrigin {
  readonly entrance: Entrance;
  /** The socket's peer; IPv4 without the IPv6 mapping. */
  readonly address: string;
  /** The region on the other side, proved by its certificate; `undefined` for anyone else. */
  readonly peerRegion: string | undefined;
  /** Whether the bytes come over TLS. */
  readonly secure: boolean;
  readonly #channel: TlsChannel | undefined;
  #authority: string | undefined;
  #lines = '';

  /** `channel`: of TLS, where hosts are bound to names or clients asked for certificates. */
  constructor(
    entrance: Entrance,
    address: string | undefined,
    peerRegion: string | undefined = undefined,
    channel: TlsChannel | undefined = undefined,
  ) {
    this.entrance = entrance;
    this.address = plainAddress(address);
    this.peerRegion = peerRegion;
    this.secure = entrance.protocol === 'https';
    this.#channel = channel;
  }

  /** The name of the listener. */
  get listener(): string {
    return this.entrance.name;
  }

  /** What the client proved to be to its listener; `undefined`: nothing. */
  get clientCertificate(): ClientCertificate | undefined {
    return this.#channel?.clientCertificate;
  }

  /**
   * Whether a request for `host` (of `RequestHead`) may come this way. False: it is of another
   * certificate than the one that the handshake was about, and answered with
   * `misdirected_request` (RFC 9110 section 15.5.20), so that nobody enters by one name and is
   * served under another.
   */
  admitsHost(host: string): boolean {
    return this.#channel === undefined || this.#channel.admitsHost(host);
  }

  /**
   * `X-Forwarded-*` and `Forwarded` (RFC 7239) for a request to `authority`; kept, since the
   * next request of a connection mostly is to the same.
   */
  forwardedLines(authority: string): string {
    if (authority === this.#authority) return this.#lines;
    this.#authority = authority;
    this.#lines = forwardedFields(this.entrance.protocol, this.address, authority);
    return this.#lines;
  }
}

function forwardedFields(protocol: string, address: string, authority: string): string {
  const node = address.includes(':') ? `"[${address}]"` : address;
  // `authority` holds no quote or backslash: the parser allows a name, an address and a port.
  const hostLine = authority === '' ? '' : `X-Forwarded-Host: ${authority}\r\n`;
  const hostParameter = authority === '' ? '' : `;host="${authority}"`;
  return (
    `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${protocol}\r\n${hostLine}` +
    `Forwarded: for=${node};proto=${protocol}${hostParameter}\r\n`
  );
}

/** Who is behind a request and under which names it is known. */
export interface RequestIdentity {
  readonly requestId: string;
  readonly traceId: string;
  /** The whole `traceparent` to send on, with a span of this gateway. */
  readonly traceParent: string;
  /** The client's address; for a relayed request what its first gateway said. */
  readonly clientAddress: string;
}

const requestIdPattern = /^[A-Za-z0-9._-]{1,128}$/;

/** From a link the request id and the client are believed, from anyone else they are ours. */
export function identify(
  head: RequestHead,
  origin: ConnectionOrigin,
  random: RandomHex,
): RequestIdentity {
  // One draw for all three: each crosses into native code.
  const drawn = random.next(40);
  const requestId = requestIdOf(head, origin) ?? drawn.slice(0, 32);
  const parent = parseTraceParent(findField(head.fields, 'traceparent'));
  const traceId = parent?.traceId ?? drawn.slice(32, 64);
  // A new trace is marked as sampled: services that follow their caller's decision would
  // otherwise record nothing, and the gateway has no reason to decide that for them.
  return {
    requestId,
    traceId,
    traceParent: `00-${traceId}-${drawn.slice(64)}-${parent?.flags ?? '01'}`,
    clientAddress: clientAddressOf(head, origin),
  };
}

function requestIdOf(head: RequestHead, origin: ConnectionOrigin): string | undefined {
  if (origin.peerRegion === undefined) return undefined;
  const sent = findField(head.fields, 'x-request-id');
  return sent !== undefined && requestIdPattern.test(sent) ? sent : undefined;
}

function clientAddressOf(head: RequestHead, origin: ConnectionOrigin): string {
  if (origin.peerRegion === undefined) return origin.address;
  const sent = findField(head.fields, 'meridian-client');
  return sent !== undefined && isIP(sent) !== 0 ? sent : origin.address;
}

/**
 * How often the request was relayed before it came here: 0 from outside, whatever it
 * says; from a link at least 1; `undefined` when the field makes no sense.
 */
export function hopsOf(head: RequestHead, origin: ConnectionOrigin): number | undefined {
  if (origin.peerRegion === undefined) return 0;
  const sent = findField(head.fields, 'meridian-hop');
  if (sent === undefined) return 1;
  return /^[1-9]$/.test(sent) ? Number(sent) : undefined;
}

/**
 * The gateway's own lines of a forwarded request. From a link the forwarding fields of the
 * first gateway stay as they are; for anyone else they are written here.
 */
export function ownLines(
  head: RequestHead,
  origin: ConnectionOrigin,
  identity: RequestIdentity,
  region: string,
): string {
  const forwarded = origin.peerRegion === undefined ? origin.forwardedLines(head.authority) : '';
  return (
    `Via: ${head.version} ${region}.meridian\r\nX-Request-Id: ${identity.requestId}\r\n` +
    `traceparent: ${identity.traceParent}\r\n${forwarded}`
  );
}

/** The lines by which the first gateway told services of a client, of a request from a link. */
export function toldLines(fields: readonly string[]): string {
  let lines = '';
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (/^(?:x-forwarded-|forwarded$)/i.test(name)) lines += `${name}: ${fields[at + 1]!}\r\n`;
  }
  return lines;
}

/** What only another region's gateway gets, and believes. */
export function relayLines(region: string, clientAddress: string, service: string): string {
  return `Meridian-Hop: 1\r\nMeridian-Origin-Region: ${region}\r\nMeridian-Client: ${clientAddress}\r\nMeridian-Service: ${service}\r\n`;
}

/** `::ffff:192.0.2.1` is an IPv4 client of a dual-stack listener. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
