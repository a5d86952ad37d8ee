import type { DomainName, NameKey } from '../wire/name.ts';
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

/** Names outside of the zones that a node asks for; each is asked for in each DNS thread. */
export const mostOutside = 1_000;

export interface LinkedAliases {
  /** Names outside of the zones. */
  readonly outside: readonly DomainName[];
  /** Owners whose addresses depend on a zone from elsewhere. */
  readonly uncertain: ReadonlySet<ZoneNode>;
}

/** No bound on what a resolver says. */
const longestTtlSeconds = 604_800;

/**
 * Gives the owner of each alias the address records of its target, steered as they are there:
 * what a CNAME would do, but beside other records and hence at the apex. The record sets are
 * shared, so that a query costs what it costs at the target. Follows CNAMEs and other aliases
 * within the zones; what leads out of them is answered with what resolvers say.
 *
 * What goes wrong behind the first name in a zone from elsewhere is no problem of the configuration:
 * such an alias has no addresses until its primary gives some.
 */
export function linkAliases(
  zones: ZoneSet,
  aliases: readonly PendingAlias[],
  problems: ZoneProblems,
): LinkedAliases {
  const pending = new Map(aliases.map((alias) => [alias.owner, alias]));
  const outside = new Map<NameKey, DomainName>();
  const uncertain = new Set<ZoneNode>();
  for (const alias of aliases) {
    const found = follow(alias.target, zones, pending);
    if (found.isUncertain) uncertain.add(alias.owner);
    const name = link(alias, found, problems);
    if (name) outside.set(name.key, name);
    if (outside.size <= mostOutside) continue;
    problems.add(alias.path, `more than ${mostOutside} names outside of the zones here`);
    break;
  }
  return { outside: [...outside.values()], uncertain };
}

type Pending = ReadonlyMap<ZoneNode, PendingAlias>;

function link(
  { owner, target, ttlSeconds = Number.POSITIVE_INFINITY, path }: PendingAlias,
  found: Found,
  problems: ZoneProblems,
): DomainName | undefined {
  const { problem } = found;
  if (problem !== undefined) {
    if (found.isUncertain) problems.warn(`${path}.target`, problem);
    else problems.add(`${path}.target`, problem);
    return undefined;
  }
  if (found.outside) {
    const ttl = Math.min(ttlSeconds, found.ttlSeconds, longestTtlSeconds);
    for (const type of addressTypes) {
      const { outside } = found;
      const plain = { type, ttlSeconds: ttl, records: [], steering: undefined };
      owner.sets.push({ ...plain, aliasOf: target, outside });
    }
    return found.outside;
  }
  for (const type of addressTypes) {
    const set = found.node && setOfType(found.node, type);
    if (!set) continue;
    const ttl = Math.min(ttlSeconds, found.ttlSeconds, set.ttlSeconds);
    owner.sets.push({ ...set, ttlSeconds: ttl, aliasOf: target });
  }
  return undefined;
}

interface Found {
  readonly node?: ZoneNode;
  /** Instead: a name outside of the zones. */
  readonly outside?: DomainName;
  /** Instead: what is wrong. */
  readonly problem?: string;
  /** The lowest on the way. */
  readonly ttlSeconds: number;
  /** The way leads through a zone from elsewhere. */
  readonly isUncertain: boolean;
}

function follow(from: DomainName, zones: ZoneSet, pending: Pending): Found {
  let target = from;
  let lowest = Number.POSITIVE_INFINITY;
  let isUncertain = false;
  const found = (what: Pick<Found, 'node' | 'outside' | 'problem'>): Found => ({
    ...what,
    ttlSeconds: lowest,
    isUncertain,
  });
  for (let step = 0; step < mostSteps; step++) {
    const zone = zones.find(target.key);
    isUncertain ||= zone?.isSecondary ?? false;
    // A zone that has not come from its primaries is asked for elsewhere meanwhile.
    if (zone?.unavailable !== 0) return found({ outside: target });
    const redirected = zone.redirectAbove(target.key);
    if (redirected)
      return found({ problem: `${target} is elsewhere by the DNAME of ${redirected.name}` });
    if (zone.cutAbove(target.key)) return found({ outside: target });
    const node = zone.node(target.key) ?? zone.wildcardFor(target.key);
    if (!node) return found({ problem: `there is no name ${target}` });
    const next = pending.get(node);
    const alias = setOfType(node, cname.code);
    if (next) {
      lowest = Math.min(lowest, next.ttlSeconds ?? lowest);
      target = next.target;
    } else if (alias) {
      const name = alias.records[0]?.names[0];
      if (!name)
        return found({
          problem: `${target} is a CNAME that is steered, which an ALIAS does not follow`,
        });
      lowest = Math.min(lowest, alias.ttlSeconds);
      target = name;
    } else if (addressTypes.some((type) => setOfType(node, type))) {
      return found({ node });
    } else return found({ problem: `${target} has neither A nor AAAA records` });
  }
  return found({
    problem: `more than ${mostSteps} names lead on from ${from}, or they lead in a circle`,
  });
}
