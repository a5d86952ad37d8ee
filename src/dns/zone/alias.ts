import type { DomainName } from '../wire/name.ts';
import { a } from '../wire/records/a.ts';
import { aaaa } from '../wire/records/aaaa.ts';
import { cname } from '../wire/records/cname.ts';
import type { ZoneProblems } from './problems.ts';
import { setOfType, type ZoneNode, type ZoneSet } from './zone.ts';

/** Names followed from an alias to addresses; as many as a resolver follows. */
const mostSteps = 16;
const addressTypes = [a.code, aaaa.code];

/** A record set of type ALIAS that is not linked yet. */
export interface PendingAlias {
  readonly owner: ZoneNode;
  readonly target: DomainName;
  /** `undefined`: as long as the target's. */
  readonly ttlSeconds: number | undefined;
  /** For messages. */
  readonly path: string;
}

/**
 * Gives the owner of each alias the address records of its target, steered as they are there:
 * what a CNAME would do, but beside other records and hence at the apex. The record sets are
 * shared, so that a query costs what it costs at the target. Follows CNAMEs and other aliases
 * within the zones; what leads out of them is a problem at the path of the alias.
 */
export function linkAliases(
  zones: ZoneSet,
  aliases: readonly PendingAlias[],
  problems: ZoneProblems,
): void {
  const pending = new Map(aliases.map((alias) => [alias.owner, alias]));
  for (const alias of aliases) link(alias, zones, pending, problems);
}

type Pending = ReadonlyMap<ZoneNode, PendingAlias>;

function link(
  { owner, target, ttlSeconds = Number.POSITIVE_INFINITY, path }: PendingAlias,
  zones: ZoneSet,
  pending: Pending,
  problems: ZoneProblems,
): void {
  const found = follow(target, zones, pending);
  if (typeof found === 'string') {
    problems.add(`${path}.target`, found);
    return;
  }
  for (const type of addressTypes) {
    const set = setOfType(found.node, type);
    if (!set) continue;
    const ttl = Math.min(ttlSeconds, found.ttlSeconds, set.ttlSeconds);
    owner.sets.push({ ...set, ttlSeconds: ttl, aliasOf: target });
  }
}

interface Found {
  readonly node: ZoneNode;
  /** The lowest on the way. */
  readonly ttlSeconds: number;
}

/** The node with addresses, or what is wrong. */
function follow(from: DomainName, zones: ZoneSet, pending: Pending): Found | string {
  let target = from;
  let lowest = Number.POSITIVE_INFINITY;
  for (let step = 0; step < mostSteps; step++) {
    const zone = zones.find(target.key);
    if (!zone) return `${target} is outside of the zones here`;
    const redirected = zone.redirectAbove(target.key);
    if (redirected) return `${target} is elsewhere by the DNAME of ${redirected.name}`;
    const cut = zone.cutAbove(target.key);
    if (cut) return `${target} is delegated to other name servers`;
    const node = zone.node(target.key) ?? zone.wildcardFor(target.key);
    if (!node) return `there is no name ${target}`;
    const next = pending.get(node);
    const alias = setOfType(node, cname.code);
    if (next) {
      lowest = Math.min(lowest, next.ttlSeconds ?? lowest);
      target = next.target;
    } else if (alias) {
      const name = alias.records[0]?.names[0];
      if (!name) return `${target} is a CNAME that is steered, which an ALIAS does not follow`;
      lowest = Math.min(lowest, alias.ttlSeconds);
      target = name;
    } else if (addressTypes.some((type) => setOfType(node, type))) {
      return { node, ttlSeconds: lowest };
    } else return `${target} has neither A nor AAAA records`;
  }
  return `more than ${mostSteps} names lead on from ${from}, or they lead in a circle`;
}
