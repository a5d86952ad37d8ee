import { type DomainName, formatName, type NameKey } from '../wire/name.ts';
import { type Rdata, rdataBytes } from '../wire/records/record-type.ts';
import { formatRdata, typeName } from '../wire/records/registry.ts';
import { soa } from '../wire/records/soa.ts';

/** Records of one owner and type. */
export interface WrittenSet {
  readonly owner: DomainName;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly records: readonly Rdata[];
}

/**
 * Writes a zone as a master file (RFC 1035 5.1), one record for each line, in the canonical
 * order of names (RFC 4034 6.1), types and data, the SOA first. Owners are relative to
 * `$ORIGIN`, names in data absolute; `$TTL` is the TTL that most sets have.
 */
export function writeZoneFile(apex: DomainName, sets: Iterable<WrittenSet>): string {
  const sorted = Array.from(sets, (set) => ({ set, order: orderOf(set, apex) })).sort(
    (one, other) => compare(one.order, other.order),
  );
  const ttlSeconds = commonTtl(sorted.map(({ set }) => set));
  const lines = [`$ORIGIN ${absolute(apex.wire, apex.wire.length)}`, `$TTL ${ttlSeconds}`];
  for (const { set } of sorted) {
    const owner = relative(set.owner, apex);
    const ttl = set.ttlSeconds === ttlSeconds ? '' : `${set.ttlSeconds}`;
    const type = typeName(set.type);
    for (const data of set.records.map(rdataBytes).sort(Buffer.compare)) {
      const text = formatRdata(set.type, data, 0, data.length, absolute);
      lines.push(`${owner}\t${ttl}\tIN\t${type}\t${text}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** A name with a final dot. */
function absolute(wire: Uint8Array, length: number): string {
  return length <= 1 ? '.' : `${formatName(wire, length)}.`;
}

/** A name of the zone without the labels of its apex, which is `@`. */
function relative({ wire }: DomainName, apex: DomainName): string {
  const bytes = wire.length - apex.wire.length;
  return bytes === 0 ? '@' : formatName(wire, bytes + 1);
}

function commonTtl(sets: readonly WrittenSet[]): number {
  const counts = new Map<number, number>();
  for (const { ttlSeconds } of sets) counts.set(ttlSeconds, (counts.get(ttlSeconds) ?? 0) + 1);
  let common = 0;
  let most = 0;
  for (const [ttlSeconds, count] of counts) {
    if (count > most) {
      common = ttlSeconds;
      most = count;
    }
  }
  return common;
}

/** A text that sorts as the set does: the SOA in front, then by name, then by type. */
function orderOf({ owner, type }: WrittenSet, apex: DomainName): string {
  if (type === soa.code && owner.key === apex.key) return '';
  return `${canonicalOrder(owner.key)}\0\0${String.fromCharCode(type)}`;
}

/**
 * Labels from the right, each octet one higher than it is, so that the zero between labels
 * is below all of them and a name comes before those below it (RFC 4034 6.1).
 */
function canonicalOrder(key: NameKey): string {
  const labels: string[] = [];
  for (let at = 0; key.charCodeAt(at) !== 0; ) {
    const end = at + 1 + key.charCodeAt(at);
    let label = '';
    for (at++; at < end; at++) label += String.fromCharCode(key.charCodeAt(at) + 1);
    labels.push(label);
  }
  return labels.reverse().join('\0');
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
