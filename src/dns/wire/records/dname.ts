import { nameRecordType, type RecordType, rdata } from './record-type.ts';
import { parseTarget } from './target-name.ts';

const name = nameRecordType('DNAME', 39, parseTarget);

/** Where the names below its owner are instead (RFC 6672). Never compressed (2.5). */
export const dname: RecordType = {
  ...name,
  parse: (text, origin) => rdata({ tail: name.parse(text, origin).names[0]!.wire }),
};
