import { quote, unquote } from './character-string.ts';
import { badData, badMessageData, type RecordType, rdata } from './record-type.ts';
import { parseUint, wordsOf } from './words.ts';

/** Which authorities may issue certificates (RFC 8659 4). Text: `0 issue "ca.example.net"`. */
export const caa: RecordType = {
  name: 'CAA',
  code: 257,
  parse(text) {
    const [flags, tag, value, ...rest] = wordsOf('CAA', text);
    const flag = parseUint(flags, 8);
    if (flag === undefined || value === undefined || rest.length > 0) {
      throw badData('CAA', text, 'flags, a tag and a value, such as `0 issue "ca.example.net"`');
    }
    if (tag === undefined || !/^[a-z0-9]{1,255}$/i.test(tag)) {
      throw badData('CAA', text, 'a tag of letters and digits');
    }
    const name = Buffer.from(tag.toLowerCase(), 'latin1');
    return rdata({
      tail: Buffer.concat([Buffer.of(flag, name.length), name, unquote('CAA', value)]),
    });
  },
  format(message, start, end) {
    const valueAt = start + 2 + (message[start + 1] ?? 0);
    if (end - start < 3 || valueAt > end || valueAt === start + 2) throw badMessageData('CAA');
    const value = message.subarray(valueAt, end);
    const tag = message.toString('latin1', start + 2, valueAt);
    if (!/^[a-z0-9]+$/i.test(tag)) throw badMessageData('CAA');
    return `${message[start]} ${tag} ${quote(value)}`;
  },
};
