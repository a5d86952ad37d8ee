import { nameRecordType } from './record-type.ts';
import { parseTarget } from './target-name.ts';

/** Name of an address (RFC 1035 3.3.12). */
export const ptr = nameRecordType('PTR', 12, parseTarget);
