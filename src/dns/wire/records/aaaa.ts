import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';

/** IPv6 host address (RFC 3596). */
export const aaaa: RecordType = {
  name: 'AAAA',
  code: 28,
  parse(text) {
    if (!isIPv6(text) || text.includes('%')) throw badData('AAAA', text, 'an IPv6 address');
    return rdata({ tail: Buffer.from(ipaddr.IPv6.parse(text).toByteArray()) });
  },
  format(message, start, end) {
    if (end - start !== 16) throw badMessageData('AAAA');
    return ipaddr.fromByteArray([...message.subarray(start, end)]).toString();
  },
};
