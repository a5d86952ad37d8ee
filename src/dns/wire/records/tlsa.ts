import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';
import { parseUint, wordsOf } from './words.ts';

/** Which certificate a service has (RFC 6698 2). Text: `usage selector matching-type hex`. */
export const tlsa: RecordType = {
  name: 'TLSA',
  code: 52,
  parse(text) {
    const [usage, selector, matching, ...hex] = wordsOf('TLSA', text);
    const numbers = [usage, selector, matching].map((word) => parseUint(word, 8));
    const association = hex.join('');
    if (numbers.includes(undefined) || !/^(?:[0-9a-f]{2})+$/i.test(association)) {
      throw badData('TLSA', text, 'three numbers and octets in hexadecimal, such as `3 1 1 0a1b…`');
    }
    const octets = Buffer.from(association, 'hex');
    return rdata({ tail: Buffer.concat([Buffer.from(numbers as number[]), octets]) });
  },
  format(message, start, end) {
    if (end - start < 4) throw badMessageData('TLSA');
    const numbers = [...message.subarray(start, start + 3)].join(' ');
    return `${numbers} ${message.toString('hex', start + 3, end)}`;
  },
};
