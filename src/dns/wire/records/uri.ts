import { quote, unquote } from './character-string.ts';
import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';
import { parseUint, uint16, wordsOf } from './words.ts';

/** Where a service is, as a URI (RFC 7553 4). Text: `priority weight "uri"`. */
export const uri: RecordType = {
  name: 'URI',
  code: 256,

  parse(text) {
    const [priority, weight, target, ...rest] = wordsOf('URI', text);
    const numbers = [priority, weight].map((word) => parseUint(word, 16));
    const octets = target === undefined ? undefined : unquote('URI', target);
    if (!octets?.length || rest.length > 0 || numbers.includes(undefined)) {
      throw badData('URI', text, 'priority, weight and a URI in quotes');
    }
    return rdata({ tail: Buffer.concat([...numbers.map((number) => uint16(number!)), octets]) });
  },

  format(message, start, end) {
    if (end - start < 5) throw badMessageData('URI');
    const numbers = [0, 2].map((at) => message.readUInt16BE(start + at));
    return `${numbers.join(' ')} ${quote(message.subarray(start + 4, end))}`;
  },
};
