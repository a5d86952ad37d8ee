import { isIPv4 } from 'node:net';
import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';

/** Host address (RFC 1035 3.4.1). */
export const a: RecordType = {
  name: 'A',
  code: 1,
  parse(text) {
    if (!isIPv4(text)) throw badData('A', text, 'an IPv4 address');
    return rdata({ tail: Buffer.from(text.split('.').map(Number)) });
  },
  format(message, start, end) {
    if (end - start !== 4) throw badMessageData('A');
    return message.subarray(start, end).join('.');
  },
};
