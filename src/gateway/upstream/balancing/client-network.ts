/**
 * What clients are told apart by: an IPv4 address, or the /64 network of an IPv6 address,
 * within which hosts change their addresses at will (RFC 8981). Not for anything but hashing:
 * what is no address comes out as it went in.
 */
export function clientNetwork(address: string): string {
  return address.includes(':') ? network64(address) : address;
}

function network64(address: string): string {
  const gap = address.indexOf('::');
  if (gap === -1) return address.split(':', 4).join(':');
  const head = gap === 0 ? [] : address.slice(0, gap).split(':');
  const tail = address.slice(gap + 2).split(':');
  while (head.length + tail.length < 8) head.push('0');
  return [...head, ...tail].slice(0, 4).join(':');
}
