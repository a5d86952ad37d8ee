import { metaType, rcode } from '../wire/codes.ts';

/** RCODE for a question by its type alone: `noError` when it is to be looked up (RFC 6895 3.1). */
export function typeVerdict(type: number): number {
  // RFC 9824 3.5.
  if (type === metaType.opt || type === metaType.noName) return rcode.formatError;
  if (type === metaType.zoneTransfer || type === metaType.incrementalTransfer) return rcode.refused;
  const isMeta = type >= metaType.firstMeta && type < metaType.any;
  return isMeta ? rcode.notImplemented : rcode.noError;
}
