import { optionCode } from './codes.ts';

const addressBytesOf = [0, 4, 16] as const;
export const ipv4Family = 1;
export const ipv6Family = 2;

/**
 * EDNS client subnet (RFC 7871 6). One object is filled again and again; `address` is
 * valid until the next `read`.
 *
 *   ┌────────┬────────┬────────────┬───────────┬──────────────────────────────┐
 *   │ family │ source │ scope bits │ address: ⌈source bits / 8⌉ bytes, the   │
 *   │ 2 bytes│  bits  │            │ bits beyond the source prefix all zero  │
 *   └────────┴────────┴────────────┴──────────────────────────────────────────┘
 */
export class ClientSubnet {
  family = 0;
  sourceBits = 0;
  scopeBits = 0;
  /** 4 or 16 bytes, padded with zeros; empty for family 0 ("no address": `dig +subnet=0`). */
  address: Uint8Array = noAddress;
  readonly #ipv4 = new Uint8Array(4);
  readonly #ipv6 = new Uint8Array(16);

  /** Length of the client's prefix, as steering asks for it. */
  get prefixBits(): number {
    return this.sourceBits;
  }

  /**
   * Reads the option's data in `bytes[start, end)`. False when it is malformed: a family
   * that we do not know, a prefix longer than its address, an address of another length
   * than the prefix needs, or bits set beyond it.
   */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < 4) return false;
    this.family = (bytes[start]! << 8) | bytes[start + 1]!;
    this.sourceBits = bytes[start + 2]!;
    this.scopeBits = bytes[start + 3]!;
    const width = addressBytesOf[this.family];
    if (width === undefined) return false;
    if (this.sourceBits > width * 8 || this.scopeBits > width * 8) return false;
    const given = end - start - 4;
    if (given !== (this.sourceBits + 7) >> 3) return false;
    const spareBits = given * 8 - this.sourceBits;
    if (spareBits > 0 && (bytes[end - 1]! & ((1 << spareBits) - 1)) !== 0) return false;
    const address = width === 4 ? this.#ipv4 : width === 16 ? this.#ipv6 : noAddress;
    for (let i = 0; i < width; i++) address[i] = i < given ? bytes[start + 4 + i]! : 0;
    this.address = address;
    return true;
  }
}

const noAddress = new Uint8Array(0);

/** Bytes of the whole option, code and length included. */
export function clientSubnetBytes(subnet: ClientSubnetFields): number {
  return 8 + ((subnet.sourceBits + 7) >> 3);
}

/** What `writeClientSubnet` needs; `address` as long as its family's. */
export interface ClientSubnetFields {
  readonly family: number;
  readonly sourceBits: number;
  readonly address: Uint8Array;
}

/** Writes the whole option with the given scope at `at`; bits beyond the prefix become zero. */
export function writeClientSubnet(
  bytes: Uint8Array,
  at: number,
  subnet: ClientSubnetFields,
  scopeBits: number,
): number {
  const addressBytes = (subnet.sourceBits + 7) >> 3;
  bytes[at++] = 0;
  bytes[at++] = optionCode.clientSubnet;
  bytes[at++] = 0;
  bytes[at++] = 4 + addressBytes;
  bytes[at++] = subnet.family >> 8;
  bytes[at++] = subnet.family & 0xff;
  bytes[at++] = subnet.sourceBits;
  bytes[at++] = scopeBits;
  for (let i = 0; i < addressBytes; i++) bytes[at++] = subnet.address[i]!;
  const spareBits = addressBytes * 8 - subnet.sourceBits;
  if (spareBits > 0) bytes[at - 1] = bytes[at - 1]! & (0xff << spareBits);
  return at;
}
