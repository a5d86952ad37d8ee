import ipaddr from 'ipaddr.js';

/** The network with its host bits cleared. */
export function networkOf(text: string): string {
  const [address, bits] = ipaddr.parseCIDR(text);
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    return byte & (0xff00 >> kept);
  });
  return `${ipaddr.fromByteArray(bytes)}/${bits}`;
}

export function sameAddress(one: string, other: string): boolean {
  const [a] = ipaddr.parseCIDR(one);
  const [b] = ipaddr.parseCIDR(other);
  return a.toNormalizedString() === b.toNormalizedString();
}
