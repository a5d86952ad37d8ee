import { formatName } from '../name.ts';
import { NameReader } from '../name-reader.ts';
import { quote, unquote } from './character-string.ts';
import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';
import { parseTarget } from './target-name.ts';
import { parseUint, uint16, wordsOf } from './words.ts';

const maximumString = 255;

/**
 * A rule that rewrites (RFC 3403 4). Text: `order preference "flags" "services" "regexp" name`.
 * What the name leads to depends on the flags, so no addresses go along.
 */
export const naptr: RecordType = {
  name: 'NAPTR',
  code: 35,

  parse(text, origin) {
    const words = wordsOf('NAPTR', text);
    const [order, preference] = words.map((word) => parseUint(word, 16));
    if (words.length !== 6 || order === undefined || preference === undefined) {
      throw badData('NAPTR', text, 'two numbers, three texts and a name');
    }
    const strings = words.slice(2, 5).map((word) => unquote('NAPTR', word));
    if (strings.some(({ length }) => length > maximumString)) {
      throw badData('NAPTR', text, `texts of at most ${maximumString} bytes`);
    }
    const pieces = strings.flatMap((string) => [Buffer.of(string.length), string]);
    const { wire } = parseTarget(words[5]!, origin);
    return rdata({ tail: Buffer.concat([uint16(order), uint16(preference), ...pieces, wire]) });
  },

  format(message, start, end, nameText = formatName) {
    if (end - start < 8) throw badMessageData('NAPTR');
    const words: (string | number)[] = [0, 2].map((at) => message.readUInt16BE(start + at));
    let at = start + 4;
    for (let string = 0; string < 3; string++) {
      const stop = at + 1 + (message[at] ?? 0);
      if (stop >= end) throw badMessageData('NAPTR');
      words.push(quote(message.subarray(at + 1, stop)));
      at = stop;
    }
    const reader = new NameReader();
    if (reader.read(message, at, end) !== end) throw badMessageData('NAPTR');
    return [...words, nameText(reader.wire, reader.length)].join(' ');
  },
};
