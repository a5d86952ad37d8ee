import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';

/**
 * The 16 octets of an IPv6 address. The end in decimal is made hexadecimal first: the library
 * reads `::192.0.2.1` as `::ffff:192.0.2.1`.
 */
export function ipv6Octets(text: string): Buffer {
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (...parts) => {
    const [a, b, c, d] = parts.slice(1, 5).map(Number);
    return `${(a! * 256 + b!).toString(16)}:${(c! * 256 + d!).toString(16)}`;
  });
  return Buffer.from(ipaddr.IPv6.parse(plain).toByteArray());
}

/** IPv6 host address (RFC 3596). */
export const aaaa: RecordType = {
  name: 'AAAA',
  code: 28,
  parse(text) {
    if (!isIPv6(text) || text.includes('%')) throw badData('AAAA', text, 'an IPv6 address');
    return rdata({ tail: ipv6Octets(text) });
  },
  format(message, start, end) {
    if (end - start !== 16) throw badMessageData('AAAA');
    return ipaddr.fromByteArray([...message.subarray(start, end)]).toString();
  },
};
