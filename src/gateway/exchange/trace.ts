import { isAllZeros } from '../random-hex.ts';

/** The part of a `traceparent` (W3C Trace Context) that is carried on. */
export interface TraceParent {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits: the caller's span. */
  readonly parentId: string;
  /** 2 hex digits. */
  readonly flags: string;
}

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** `undefined` when the field is absent or not valid, whereupon a new trace is started. */
export function parseTraceParent(value: string | undefined): TraceParent | undefined {
  if (value === undefined) return undefined;
  const match = pattern.exec(value);
  if (!match) return undefined;
  const [, version, traceId, parentId, flags, more] = match;
  // Version 00 has exactly four parts; later ones may have more; ff is forbidden.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (isAllZeros(traceId!) || isAllZeros(parentId!)) return undefined;
  return { traceId: traceId!, parentId: parentId!, flags: flags! };
}
