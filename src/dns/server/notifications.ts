import { addressKey, type TransferRules } from '../transfer/transfer-rules.ts';
import type { TsigVerdict } from '../transfer/tsig.ts';
import { classIn, headerBytes, rcode } from '../wire/codes.ts';
import type { QueryReader } from '../wire/query-reader.ts';
import { soa } from '../wire/records/soa.ts';

/** Told that a zone has changed at a primary, by whoever may say so. */
export type OnNotify = (zone: string, source: string) => void;

/**
 * What a notification (RFC 1996) gets for an answer; the one that counts is passed on. Believed are
 * the addresses of the zone's primaries, and whoever signs with its key. It is a hint, no more: the
 * primaries are asked whether it is true.
 *
 * @returns the RCODE
 */
export function takeNotification(
  { name, type, class: queryClass, questionEnd }: QueryReader,
  { secondaries }: TransferRules,
  proof: TsigVerdict,
  source: string,
  onNotify: OnNotify,
): number {
  if (questionEnd === headerBytes || type !== soa.code || queryClass !== classIn) {
    return rcode.formatError;
  }
  const zone = secondaries.get(name);
  if (!zone) return rcode.notAuthorized;
  const hasKey = zone.key !== undefined && proof.kind === 'good' && proof.key === zone.key;
  if (!hasKey && !zone.primaries.has(addressKey(source))) return rcode.refused;
  onNotify(zone.name, source);
  return rcode.noError;
}
