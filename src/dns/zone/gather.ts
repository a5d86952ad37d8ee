import type { Steps } from '../../base/steps.ts';
import { type DomainName, isWithin, type NameKey } from '../wire/name.ts';
import { cname } from '../wire/records/cname.ts';
import { dname } from '../wire/records/dname.ts';
import { ns } from '../wire/records/ns.ts';
import { ds } from '../wire/records/numbered-octets.ts';
import type { Rdata } from '../wire/records/record-type.ts';
import { typeName } from '../wire/records/registry.ts';
import { soa } from '../wire/records/soa.ts';
import type { ResourceRecord } from './record.ts';

/** The records of one owner and type, each datum once. */
export interface GatheredSet<R extends ResourceRecord = ResourceRecord> {
  readonly owner: DomainName;
  readonly type: number;
  /** The lowest of its records (RFC 2181 5.2). */
  readonly ttlSeconds: number;
  readonly records: readonly Rdata[];
  /** For messages. */
  readonly first: R;
}

/** What the records of a zone are together. */
export interface GatheredZone<R extends ResourceRecord = ResourceRecord> {
  readonly apex: DomainName;
  /** By owner, in the order in which owners and types came. */
  readonly nodes: ReadonlyMap<NameKey, readonly GatheredSet<R>[]>;
}

/** Told of a record that breaks a rule (`error`) or was changed (`warning`). */
export type Report<R> = (severity: 'error' | 'warning', record: R, message: string) => void;

/** Records in one step: some 0.1 ms. */
const recordsPerStep = 64;

/** Octets of one set that surely fit the 65,535 of a DNS message. */
const maximumSetBytes = 60_000;

/** Looking for the set of a type costs as much as there are types beside it. */
const maximumTypes = 256;

interface OpenSet<R extends ResourceRecord> extends GatheredSet<R> {
  ttlSeconds: number;
  readonly records: Rdata[];
  /** Made for the second record. */
  keys: Set<string> | undefined;
  bytes: number;
}

/**
 * Puts the records of a zone into sets: duplicates dropped (RFC 2181 5), TTLs made equal
 * (5.2). Reports what stands outside of the zone, an SOA elsewhere than at the apex or a
 * second one, what stands beside a CNAME (RFC 1034 3.6.2), a wildcard that delegates (RFC
 * 4592 4.2), a DNAME beside a delegation, a set that no message holds, and too many at one name.
 */
export function* gatherZone<R extends ResourceRecord>(
  apex: DomainName,
  records: Iterable<R>,
  report: Report<R>,
): Steps<GatheredZone<R>> {
  const nodes = new Map<NameKey, OpenSet<R>[]>();
  const crowded = new Set<NameKey>();
  let gathered = 0;
  for (const record of records) {
    if (++gathered % recordsPerStep === 0) yield;
    const { owner, type } = record;
    if (!isWithin(owner.key, apex.key)) {
      report('error', record, `${owner} is not in the zone ${apex}`);
      continue;
    }
    if (type === soa.code && owner.key !== apex.key) {
      report('error', record, `SOA stands at the apex of the zone, which is ${apex}`);
      continue;
    }
    let sets = nodes.get(owner.key);
    if (!sets) {
      sets = [];
      nodes.set(owner.key, sets);
    }
    const set = sets.find((one) => one.type === type);
    if (set) add(set, record, report);
    else if (sets.length < maximumTypes) sets.push(open(record, sets, apex, report));
    else if (!crowded.has(owner.key)) {
      crowded.add(owner.key);
      report('error', record, `${owner} has more than ${maximumTypes} types of records`);
    }
  }
  return { apex, nodes };
}

function open<R extends ResourceRecord>(
  record: R,
  beside: readonly OpenSet<R>[],
  apex: DomainName,
  report: Report<R>,
): OpenSet<R> {
  const { owner, type, ttlSeconds, data } = record;
  const alias = type === cname.code ? record : beside.find((set) => set.type === cname.code)?.first;
  if (type === cname.code && owner.key === apex.key) {
    report('error', record, 'a CNAME stands alone, and the apex has SOA and NS');
  } else if (alias && beside.length > 0) {
    const other = typeName(alias === record ? beside[0]!.type : cname.code);
    report('error', record, `a CNAME stands alone, and ${owner} has ${other} too`);
  }
  if (type === ds.code && owner.key === apex.key) {
    report('error', record, 'DS stands beside the delegation, in the zone above');
  }
  if (type === ns.code && owner.wire[0] === 1 && owner.wire[1] === 0x2a) {
    report('error', record, 'a wildcard cannot delegate (RFC 4592 4.2)');
  }
  const partner = type === ns.code ? dname.code : type === dname.code ? ns.code : undefined;
  if (owner.key !== apex.key && beside.some((set) => set.type === partner)) {
    report('error', record, `${owner} has both NS and DNAME, which is for an apex (RFC 6672 2.3)`);
  }
  const bytes = sizeOf(data);
  if (bytes > maximumSetBytes) reportSize(record, report);
  return { owner, type, ttlSeconds, records: [data], first: record, keys: undefined, bytes };
}

function add<R extends ResourceRecord>(set: OpenSet<R>, record: R, report: Report<R>): void {
  const { owner, type, ttlSeconds, data } = record;
  set.keys ??= new Set([keyOf(set.records[0]!)]);
  const key = keyOf(data);
  if (ttlSeconds !== set.ttlSeconds) {
    const lowest = Math.min(ttlSeconds, set.ttlSeconds);
    const what = `${typeName(type)} of ${owner} has TTLs ${set.ttlSeconds} and ${ttlSeconds}`;
    report('warning', record, `${what}: the lowest counts (RFC 2181 5.2)`);
    set.ttlSeconds = lowest;
  }
  if (set.keys.has(key)) return;
  set.keys.add(key);
  if (type === soa.code || type === cname.code || type === dname.code) {
    report('error', record, `${owner} has another ${typeName(type)} already`);
    return;
  }
  const before = set.bytes;
  set.bytes += sizeOf(data);
  if (set.bytes <= maximumSetBytes) set.records.push(data);
  else if (before <= maximumSetBytes) reportSize(record, report);
}

function reportSize<R extends ResourceRecord>(record: R, report: Report<R>): void {
  const { owner, type } = record;
  const message = `${typeName(type)} of ${owner} has more than ${maximumSetBytes} octets of data`;
  report('error', record, `${message}, which fit no message`);
}

function sizeOf({ head, names, tail }: Rdata): number {
  let bytes = head.length + tail.length;
  for (const { wire } of names) bytes += wire.length;
  return bytes;
}

/** Equal for equal data, names in any letter case. */
function keyOf({ head, names, tail }: Rdata): string {
  const keys = names.map(({ key }) => key).join('');
  return `${head.toString('latin1')}|${keys}|${tail.toString('latin1')}`;
}
