import { formatStrings, parseStrings } from './character-string.ts';
import { type RecordType, rdata } from './record-type.ts';

/** Text strings (RFC 1035 3.3.14). */
export const txt: RecordType = {
  name: 'TXT',
  code: 16,
  parse: (text) => rdata({ tail: parseStrings('TXT', text) }),
  format: (message, start, end) => formatStrings('TXT', message, start, end),
};
