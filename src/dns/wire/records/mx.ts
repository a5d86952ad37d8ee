import { formatName } from '../name.ts';
import { NameReader } from '../name-reader.ts';
import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';
import { parseTarget } from './target-name.ts';
import { parseUint, uint16, wordsOf } from './words.ts';

/** Mail exchange (RFC 1035 3.3.9). Text: `10 mail`; `0 .` takes no mail (RFC 7505). */
export const mx: RecordType = {
  name: 'MX',
  code: 15,
  parse(text, origin) {
    const [preference, exchange, ...rest] = wordsOf('MX', text);
    const value = parseUint(preference, 16);
    if (value === undefined || exchange === undefined || rest.length > 0) {
      throw badData('MX', text, 'a preference and a name, such as `10 mail`');
    }
    const target = parseTarget(exchange, origin);
    return rdata({ head: uint16(value), names: [target], target });
  },
  format(message, start, end, nameText = formatName) {
    const reader = new NameReader();
    if (end - start < 3 || reader.read(message, start + 2, end) !== end) throw badMessageData('MX');
    return `${message.readUInt16BE(start)} ${nameText(reader.wire, reader.length)}`;
  },
};
