import { formatName } from '../name.ts';
import { NameReader } from '../name-reader.ts';
import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';
import { parseTarget } from './target-name.ts';
import { parseUint, uint16, wordsOf } from './words.ts';

/** Where a service is (RFC 2782). Text: `priority weight port target`; the target `.`: nowhere. */
export const srv: RecordType = {
  name: 'SRV',
  code: 33,
  parse(text, origin) {
    const [priority, weight, port, name, ...rest] = wordsOf('SRV', text);
    const numbers = [priority, weight, port].map((word) => parseUint(word, 16));
    if (name === undefined || rest.length > 0 || numbers.includes(undefined)) {
      throw badData('SRV', text, 'priority, weight, port and a name, such as `0 5 443 api`');
    }
    const target = parseTarget(name, origin);
    const tail = Buffer.concat([...numbers.map((number) => uint16(number!)), target.wire]);
    return rdata({ tail, target });
  },
  format(message, start, end, nameText = formatName) {
    const reader = new NameReader();
    if (end - start < 7 || reader.read(message, start + 6, end) !== end)
      throw badMessageData('SRV');
    const numbers = [0, 2, 4].map((offset) => message.readUInt16BE(start + offset));
    return `${numbers.join(' ')} ${nameText(reader.wire, reader.length)}`;
  },
};
