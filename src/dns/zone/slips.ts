import { DomainName, isWithin, labelCount, type NameKey } from '../wire/name.ts';
import { cname } from '../wire/records/cname.ts';
import { dname } from '../wire/records/dname.ts';
import { ns } from '../wire/records/ns.ts';
import { typeName } from '../wire/records/registry.ts';
import type { GatheredSet, GatheredZone, Report } from './gather.ts';
import type { ResourceRecord } from './record.ts';

/**
 * Warns of what is allowed and surely not meant: names below a delegation, which another
 * server answers, or below a DNAME, which are elsewhere, a wildcard that redirects, and servers of NS, MX or SRV without an address (RFC 2181 10.3, RFC 1912).
 */
export function warnOfSlips<R extends ResourceRecord>(
  { apex, nodes }: GatheredZone<R>,
  report: Report<R>,
): void {
  for (const [key, sets] of nodes) {
    const cut = cutAtOrAbove(key, apex, nodes);
    warnOfRedirect(key, sets, apex, nodes, report);
    for (const set of sets) {
      const { type, owner, first } = set;
      const isAddress = type === typeA || type === typeAaaa;
      const ofCut = cut === key && (type === ns.code || type === typeDs);
      if (cut !== undefined && !ofCut && !isAddress) {
        const by = nameOf(cut);
        report('warning', first, `${by} is delegated: who answers there answers ${owner} too`);
      } else if (serverTypes.has(type)) warnOfServers(set, apex, nodes, report);
    }
  }
}

const typeA = 1;
const typeAaaa = 28;
const typeDs = 43;
/** Types that name servers: NS, MX, SRV. */
const serverTypes: ReadonlySet<number> = new Set([ns.code, 15, 33]);

type Nodes<R extends ResourceRecord> = GatheredZone<R>['nodes'];

function warnOfRedirect<R extends ResourceRecord>(
  key: NameKey,
  sets: readonly GatheredSet<R>[],
  apex: DomainName,
  nodes: Nodes<R>,
  report: Report<R>,
): void {
  const hasDname = (name: NameKey) => nodes.get(name)?.some(({ type }) => type === dname.code);
  const above = ancestors(key, apex).find(hasDname);
  const { owner, first } = sets[0]!;
  if (above !== undefined) {
    report('warning', first, `${nameOf(above)} has a DNAME: ${owner} is elsewhere`);
  }
  if (key.startsWith('\x01*') && hasDname(key)) {
    report('warning', first, 'a wildcard does not redirect (RFC 6672 3.3)');
  }
}

function warnOfServers<R extends ResourceRecord>(
  { owner, type, records, first }: GatheredSet<R>,
  apex: DomainName,
  nodes: Nodes<R>,
  report: Report<R>,
): void {
  for (const { target } of records) {
    if (!target || !isWithin(target.key, apex.key)) continue;
    const sets = nodes.get(target.key);
    const has = (wanted: number) => sets?.some((set) => set.type === wanted) ?? false;
    if (has(cname.code)) {
      report('warning', first, `${typeName(type)} names ${target}, which is an alias`);
    } else if (!has(typeA) && !has(typeAaaa)) {
      const isGlue = type === ns.code && owner.key !== apex.key && isWithin(target.key, owner.key);
      if (!isGlue && mayBeElsewhere(target.key, apex, nodes)) continue;
      report('warning', first, `${typeName(type)} names ${target}, which has no address`);
    }
  }
}

/** Below another delegation, or what a wildcard may stand for. */
function mayBeElsewhere<R extends ResourceRecord>(
  key: NameKey,
  apex: DomainName,
  nodes: Nodes<R>,
): boolean {
  if (cutAtOrAbove(key, apex, nodes) !== undefined) return true;
  for (const above of ancestors(key, apex)) if (nodes.has(`\x01*${above}`)) return true;
  return false;
}

/** The topmost delegation. */
function cutAtOrAbove<R extends ResourceRecord>(
  key: NameKey,
  apex: DomainName,
  nodes: Nodes<R>,
): NameKey | undefined {
  let cut: NameKey | undefined;
  for (const name of [key, ...ancestors(key, apex)]) {
    if (name !== apex.key && nodes.get(name)?.some(({ type }) => type === ns.code)) cut = name;
  }
  return cut;
}

/** The names above, up to the apex. */
function ancestors(key: NameKey, apex: DomainName): NameKey[] {
  const names: NameKey[] = [];
  let name = key;
  for (let labels = labelCount(key) - labelCount(apex.key); labels > 0; labels--) {
    name = name.slice(1 + name.charCodeAt(0));
    names.push(name);
  }
  return names;
}

function nameOf(key: NameKey): DomainName {
  return new DomainName(Buffer.from(key, 'latin1'));
}
