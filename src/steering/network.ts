import ipaddr from 'ipaddr.js';

/** A network as bytes: 4 or 16 of them, and the number of leading bits that count. */
export interface Network {
  readonly address: Uint8Array;
  readonly prefixBits: number;
}

/** `"10.0.0.0/8"` or `"2001:db8::/32"`, validated before. Throws `Error` on anything else. */
export function parseNetwork(text: string): Network {
  const [address, prefixBits] = ipaddr.parseCIDR(text);
  return { address: Uint8Array.from(address.toByteArray()), prefixBits };
}

/**
 * An address as text in 4 or 16 bytes; `undefined` for what is not one. The IPv4-mapped
 * form (`::ffff:192.0.2.1`), which dual-stack sockets show, comes out as IPv4.
 */
export function parseAddress(text: string): Uint8Array | undefined {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return undefined;
  return Uint8Array.from(ipaddr.process(text).toByteArray());
}

/** `"10.0.0.0/8"`: the bits after the prefix come out as 0, so that equal networks are equal text. */
export function formatNetwork({ address, prefixBits }: Network): string {
  const bytes = [...address].map((byte, at) => {
    const kept = Math.min(8, Math.max(0, prefixBits - at * 8));
    return byte & (0xff00 >> kept);
  });
  return `${ipaddr.fromByteArray(bytes)}/${prefixBits}`;
}

/** How many leading bits two addresses of one family have in common. */
export function commonBits(one: Uint8Array, other: Uint8Array): number {
  for (let at = 0; at < one.length; at++) {
    const differing = one[at]! ^ other[at]!;
    if (differing !== 0) return at * 8 + Math.clz32(differing) - 24;
  }
  return one.length * 8;
}
