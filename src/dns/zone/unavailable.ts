import { extendedError } from '../wire/codes.ts';
import type { DomainName } from '../wire/name.ts';
import { soa } from '../wire/records/soa.ts';
import { Zone } from './zone.ts';

/** A zone that comes from elsewhere and is not there: `empty` has never come. Nobody is told NXDOMAIN. */
export function unavailableZone(apex: DomainName, why: 'empty' | 'expired'): Zone {
  return new Zone({
    apex,
    nodes: new Map([[apex.key, { name: apex, sets: [] }]]),
    soa: { type: soa.code, ttlSeconds: 0, records: [], steering: undefined },
    negativeTtlSeconds: 0,
    hasCuts: false,
    hasRedirects: false,
    signer: undefined,
    isSecondary: true,
    unavailable: why === 'empty' ? extendedError.notReady : extendedError.invalidData,
  });
}
