import { formatStrings, parseStrings } from './character-string.ts';
import { badData, type RecordType, rdata } from './record-type.ts';

/** Host information (RFC 1035 3.3.2); today only the minimal answer to ANY (RFC 8482 4.2). */
export const hinfo: RecordType = {
  name: 'HINFO',
  code: 13,
  parse(text) {
    const tail = parseStrings('HINFO', text);
    const second = 1 + tail[0]!;
    const length = tail[second];
    if (length === undefined || second + 1 + length !== tail.length) {
      throw badData('HINFO', text, 'two strings in double quotes');
    }
    return rdata({ tail });
  },
  format: (message, start, end) => formatStrings('HINFO', message, start, end),
};
