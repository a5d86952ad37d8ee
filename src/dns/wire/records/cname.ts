import { nameRecordType } from './record-type.ts';
import { parseTarget } from './target-name.ts';

/** Canonical name of an alias (RFC 1035 3.3.1). */
export const cname = nameRecordType('CNAME', 5, parseTarget);
