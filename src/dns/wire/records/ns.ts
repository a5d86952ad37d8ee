import { nameRecordType } from './record-type.ts';
import { parseTarget } from './target-name.ts';

/** Authoritative name server (RFC 1035 3.3.11). */
export const ns = nameRecordType('NS', 2, parseTarget, true);
