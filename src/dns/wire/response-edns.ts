import { type ClientSubnet, clientSubnetBytes, writeClientSubnet } from './client-subnet.ts';
import { maxUdpPayload, metaType, optionCode } from './codes.ts';

const optBytes = 11;
const optionHeadBytes = 4;

/** What goes into the OPT record of a response. */
export interface ResponseEdns {
  readonly dnssecOk: boolean;
  /** The CO flag (RFC 9824 5.1). */
  readonly compactOk: boolean;
  /** Echoed with `scopeBits`. */
  readonly subnet: ClientSubnet | undefined;
  readonly scopeBits: number;
  /** INFO-CODE of RFC 8914, 0 for none. */
  readonly extendedError: number;
  /** The client's octets and the server's (RFC 7873 4). */
  readonly cookie: Uint8Array | undefined;
  /** NSID (RFC 5001). */
  readonly identifier: Uint8Array | undefined;
  /** How long the connection may be idle, in tenths of a second (RFC 7828); -1: not told. */
  readonly keepaliveTenths: number;
  /** The message is filled up to a multiple of so many bytes (RFC 7830); 0: not at all. */
  readonly paddingBlock: number;
}

/** Bytes of the OPT record, but for padding. */
export function ednsBytes(edns: ResponseEdns): number {
  const { subnet, cookie, identifier } = edns;
  let bytes = optBytes;
  if (subnet) bytes += clientSubnetBytes(subnet);
  if (edns.extendedError !== 0) bytes += optionHeadBytes + 2;
  if (cookie) bytes += optionHeadBytes + cookie.length;
  if (identifier) bytes += optionHeadBytes + identifier.length;
  if (edns.keepaliveTenths >= 0) bytes += optionHeadBytes + 2;
  return bytes;
}

/**
 * Writes the OPT record (RFC 6891 6.1.2) at `at`, the last one of a message that may have `limit`
 * bytes; returns the end. `code` is the RCODE, whose upper bits stand here.
 */
export function writeOpt(
  bytes: Uint8Array,
  start: number,
  limit: number,
  edns: ResponseEdns,
  code: number,
): number {
  let at = start;
  bytes[at++] = 0;
  at = writeUint16(bytes, at, metaType.opt);
  at = writeUint16(bytes, at, maxUdpPayload);
  bytes[at++] = code >> 4;
  bytes[at++] = 0;
  at = writeUint16(bytes, at, (edns.dnssecOk ? 0x8000 : 0) | (edns.compactOk ? 0x4000 : 0));
  const options = at + 2;
  at = writeOptions(bytes, options, edns);
  if (edns.paddingBlock > 0) at = writePadding(bytes, at, limit, edns.paddingBlock);
  writeUint16(bytes, options - 2, at - options);
  return at;
}

function writeOptions(bytes: Uint8Array, start: number, edns: ResponseEdns): number {
  const { subnet, cookie, identifier, keepaliveTenths } = edns;
  let at = start;
  if (subnet) at = writeClientSubnet(bytes, at, subnet, edns.scopeBits);
  if (cookie) at = writeOctets(bytes, at, optionCode.cookie, cookie);
  if (identifier) at = writeOctets(bytes, at, optionCode.identifier, identifier);
  if (keepaliveTenths >= 0) at = writeWord(bytes, at, optionCode.keepalive, keepaliveTenths);
  if (edns.extendedError !== 0) {
    at = writeWord(bytes, at, optionCode.extendedError, edns.extendedError);
  }
  return at;
}

/** RFC 8467 4.1: the length of the whole message tells as little as a block is large. */
function writePadding(bytes: Uint8Array, start: number, limit: number, block: number): number {
  const from = start + optionHeadBytes;
  const end = Math.min(Math.ceil(from / block) * block, limit);
  if (end < from) return start;
  writeUint16(bytes, start, optionCode.padding);
  writeUint16(bytes, start + 2, end - from);
  bytes.fill(0, from, end);
  return end;
}

function writeOctets(bytes: Uint8Array, start: number, code: number, octets: Uint8Array): number {
  let at = writeUint16(bytes, start, code);
  at = writeUint16(bytes, at, octets.length);
  for (let octet = 0; octet < octets.length; octet++) bytes[at++] = octets[octet]!;
  return at;
}

function writeWord(bytes: Uint8Array, start: number, code: number, word: number): number {
  return writeUint16(bytes, writeUint16(bytes, writeUint16(bytes, start, code), 2), word);
}

function writeUint16(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
  return at + 2;
}
