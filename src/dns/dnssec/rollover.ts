import { DnsError } from '../errors.ts';
import { type KeyRole, type KeyState, ZoneKey } from './zone-key.ts';

/** The keys after a step, and what must be true before the next one. */
export interface RolloverStep {
  readonly keys: readonly ZoneKey[];
  /** What was done, in words. */
  readonly done: string;
  /** What to wait for. `undefined`: nothing is left to do. */
  readonly wait: string | undefined;
}

/**
 * The next step of replacing the keys of one role, by what states they have (RFC 6781 4.1: the old and
 * the new key stand side by side for as long as caches may hold what either signed).
 *
 *   active ─────────▶ active, published ─────────▶ retired, active ─────────▶ active
 *          a new key                    the new one            the old one
 *          is told of                   signs                  is gone
 *
 * @throws DnsError `bad_dnssec_key` where they are in no such state
 */
export function nextStep(keys: readonly ZoneKey[], role: KeyRole): RolloverStep {
  const own = keys.filter((key) => key.role === role);
  const others = keys.filter((key) => key.role !== role);
  const of = (state: KeyState) => own.filter((key) => key.state === state);
  const [active, ...moreActive] = of('active');
  const [published, ...morePublished] = of('published');
  const retired = of('retired');
  if (!active || moreActive.length > 0 || morePublished.length > 0) throw notRolling(role);
  if (published && retired.length === 0) {
    return {
      keys: [...others, active.inState('retired'), published.inState('active')],
      done: `key ${published.tag} signs, key ${active.tag} does no longer`,
      wait: afterSwitch(role, active),
    };
  }
  if (published) throw notRolling(role);
  if (retired.length > 0) {
    const tags = retired.map(({ tag }) => tag).join(', ');
    return { keys: [...others, active], done: `key ${tags} is gone`, wait: undefined };
  }
  const next = ZoneKey.generate(role, 'published');
  return {
    keys: [...others, active, next],
    done: `key ${next.tag} is published beside key ${active.tag}`,
    wait: afterPublishing(role, next),
  };
}

function afterPublishing(role: KeyRole, { tag }: ZoneKey): string {
  const known = 'for an hour, the TTL of the keys, so that every cache knows it';
  return role === 'zsk' ? known : `until the parent has a DS of key ${tag}, and then ${known}`;
}

function afterSwitch(role: KeyRole, { tag }: ZoneKey): string {
  const gone = 'for the longest TTL of the zone, so that no cache needs the old one';
  if (role === 'zsk') return gone;
  return `until the parent has no DS of key ${tag} any more, then for the TTL of that DS, and ${gone}`;
}

function notRolling(role: KeyRole): DnsError {
  const expected =
    'expected one that is `active`, and at most one that is `published` or `retired`';
  return new DnsError('bad_dnssec_key', `keys of role ${role} cannot be rolled: ${expected}`);
}
