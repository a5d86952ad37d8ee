import ipaddr from 'ipaddr.js';
import { MeridianError } from '../../base/errors.ts';

/**
 * Why the head of a proxied connection is refused:
 *
 * - `proxy_signature`: the connection does not begin with the signature of version 2
 * - `proxy_version`: another version, or a command that is none
 * - `proxy_family`: no TCP over IPv4 or IPv6
 * - `proxy_length`: longer than the limit, or too short for its addresses
 * - `proxy_extension`: the type-length-value vectors do not add up
 */
export type ProxyProtocolErrorCode =
  | 'proxy_signature'
  | 'proxy_version'
  | 'proxy_family'
  | 'proxy_length'
  | 'proxy_extension';

export interface ProxyHead {
  /** Octets that it takes up; what follows is of the client. */
  readonly length: number;
  /**
   * The client's address; `undefined`: the proxy speaks for itself (LOCAL), or does not know
   * (AF_UNSPEC), and that of the socket counts.
   */
  readonly source: string | undefined;
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const fixedBytes = 16;
/** Addresses and extensions: those that are known of come to some hundred octets. */
const mostBytes = 4_096;

const version2 = 0x20;
const local = 0x20;
const proxy = 0x21;
const unspecified = 0x00;
/** Octets of an address, by family and transport. */
const addressBytes: ReadonlyMap<number, number> = new Map([
  [0x11, 4],
  [0x21, 16],
]);

/**
 * The head of PROXY protocol version 2 (HAProxy, proxy-protocol.txt, section 2.2), or
 * `undefined` while it has not come whole:
 *
 *   signature (12) │ version, command │ family, transport │ length (2) │ addresses │ extensions
 *
 * Strict, and refused at the first octet that does not fit: what comes before the client's own
 * bytes decides who the client is. Version 1 is not taken: it is text, and a client's bytes
 * could pass for it. Extensions are skipped, their checksum (CRC-32c) included.
 *
 * @throws MeridianError with a `ProxyProtocolErrorCode`
 */
export function parseProxyHead(bytes: Buffer): ProxyHead | undefined {
  const compared = Math.min(bytes.length, signature.length);
  if (bytes.compare(signature, 0, compared, 0, compared) !== 0) {
    refuse('proxy_signature', 'the connection does not begin with PROXY protocol version 2');
  }
  const command = bytes[12];
  if (command === undefined) return undefined;
  if (command !== proxy && command !== local) {
    const what = (command & 0xf0) === version2 ? 'command' : 'version';
    refuse('proxy_version', `the ${what} of the PROXY protocol is not known`);
  }
  const family = bytes[13];
  if (family === undefined) return undefined;
  const width = addressBytes.get(family);
  if (command === proxy && family !== unspecified && width === undefined) {
    refuse('proxy_family', 'the PROXY protocol tells of something else than TCP over IPv4 or IPv6');
  }
  if (bytes.length < fixedBytes) return undefined;
  const length = fixedBytes + bytes.readUInt16BE(14);
  if (length > mostBytes) refuse('proxy_length', `${length} octets of PROXY protocol are too many`);
  if (command === local || width === undefined) {
    return bytes.length < length ? undefined : { length, source: undefined };
  }
  const extensions = fixedBytes + 2 * width + 4;
  if (length < extensions) refuse('proxy_length', 'the PROXY protocol lacks its addresses');
  if (bytes.length < length) return undefined;
  checkExtensions(bytes, extensions, length);
  return { length, source: addressAt(bytes, width) };
}

/** Source address, destination address, source port, destination port. */
function addressAt(bytes: Buffer, width: number): string {
  const address = ipaddr.fromByteArray([...bytes.subarray(fixedBytes, fixedBytes + width)]);
  return ipaddr.process(address.toString()).toString();
}

function checkExtensions(bytes: Buffer, start: number, end: number): void {
  let at = start;
  while (at < end) {
    if (at + 3 > end) break;
    at += 3 + bytes.readUInt16BE(at + 1);
  }
  if (at !== end) refuse('proxy_extension', 'an extension of the PROXY protocol is cut off');
}

function refuse(code: ProxyProtocolErrorCode, message: string): never {
  throw new MeridianError<ProxyProtocolErrorCode>(code, message);
}
