import type { LookupAnswer } from '../client.ts';
import { DnsError } from '../errors.ts';
import { type DomainName, type NameKey, parseName } from '../wire/name.ts';
import type { Rdata, RecordType } from '../wire/records/record-type.ts';
import { recordType, typeName } from '../wire/records/registry.ts';
import { soaNumbers } from '../wire/records/soa.ts';

/** What a resolver said of the addresses of one family that a name has. */
export interface OutsideAnswer {
  /** Sorted; empty: there are none. */
  readonly records: readonly Rdata[];
  readonly ttlSeconds: number;
}

/** Aliases followed; as many as resolvers follow. */
const mostAliases = 16;
/** Addresses of one name that are taken; the rest is left out. */
export const mostAddresses = 32;
/** Of "there are none" without an SOA that says for how long. */
const absenceSeconds = 60;

/**
 * Reads the answer to a question for addresses. `undefined`: it tells nothing, as after a
 * failure of the resolver; only NOERROR and NXDOMAIN tell something.
 */
export function readOutsideAnswer(
  target: DomainName,
  type: number,
  { rcode, answers, authority, flags }: LookupAnswer,
): OutsideAnswer | undefined {
  if (flags.truncated || (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN')) return undefined;
  const wanted = typeName(type);
  let name = target.key;
  let ttlSeconds = Number.POSITIVE_INFINITY;
  for (let step = 0; step <= mostAliases; step++) {
    const own = answers.filter((record) => keyOf(record.name) === name);
    const addresses = own.filter((record) => record.type === wanted);
    if (addresses.length > 0) {
      const ttls = addresses.map(({ ttl }) => ttl);
      const records = addresses.slice(0, mostAddresses).map(({ data }) => data);
      const parsed = parseAll(recordType(type)!, records);
      return parsed && { records: parsed, ttlSeconds: Math.min(ttlSeconds, ...ttls) };
    }
    const alias = own.find((record) => record.type === 'CNAME');
    if (!alias) break;
    ttlSeconds = Math.min(ttlSeconds, alias.ttl);
    const next = keyOf(alias.data);
    if (next === undefined) return undefined;
    name = next;
  }
  // RFC 2308 5: as long as the SOA says. A referral, or nothing at all, says nothing.
  const soa = authority.find((record) => record.type === 'SOA');
  if (!soa && rcode === 'NOERROR' && authority.length > 0) return undefined;
  const negative = soa ? Math.min(soa.ttl, minimumOf(soa.data)) : absenceSeconds;
  return { records: [], ttlSeconds: Math.min(ttlSeconds, negative) };
}

function minimumOf(data: string): number {
  const soa = parseAll(recordType(6)!, [data])?.[0];
  return soa ? soaNumbers(soa).minimum : absenceSeconds;
}

const root = parseName('.');

/** By their octets: the same addresses in another order are the same answer. */
function parseAll(type: RecordType, texts: readonly string[]): Rdata[] | undefined {
  try {
    const unique = new Map<string, Rdata>();
    for (const text of texts) {
      const data = type.parse(text, root);
      unique.set(data.tail.toString('latin1'), data);
    }
    return [...unique].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, data]) => data);
  } catch (error) {
    if (error instanceof DnsError) return undefined;
    throw error;
  }
}

function keyOf(name: string): NameKey | undefined {
  try {
    return parseName(name).key;
  } catch (error) {
    if (error instanceof DnsError) return undefined;
    throw error;
  }
}
