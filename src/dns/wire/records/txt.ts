import { formatStrings, parseStrings } from './character-string.ts';
import { type RecordType, rdata } from './record-type.ts';

/** Text strings (RFC 1035 3.3.14). */
export const txt: RecordType = stringsType('TXT', 16);

/** Who may send mail; its data moved to TXT (RFC 7208 3.1), and old zones hold both. */
export const spf: RecordType = stringsType('SPF', 99);

function stringsType(name: string, code: number): RecordType {
  return {
    name,
    code,
    parse: (text) => rdata({ tail: parseStrings(name, text) }),
    format: (message, start, end) => formatStrings(name, message, start, end),
  };
}
