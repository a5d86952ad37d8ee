/**
 * The answers for clients of one area or network, and those of the wider one around it,
 * which are asked when none of these is usable. A chain of tiers never branches, and ends
 * with the default, if there is one.
 *
 *   subdivision US-CA ─▶ country US ─▶ continent NA ─▶ default
 *   10.1.2.0/24 ─▶ 10.0.0.0/8 ─▶ default
 */
export interface Tier {
  /** Indices into `SteeredSet.answers`; at least one. */
  readonly answers: readonly number[];
  readonly wider: Tier | undefined;
  /** Length of the network; 0 for an area and for the default. */
  readonly networkBits: number;
  /** For people: `country US`, `10.0.0.0/8`, `the default`. */
  readonly name: string;
  /** The rule that decided, where this was the first tier of its client, and where not. */
  readonly first: string;
  readonly fallback: string;
}

/** What a policy leaves of a record set for one client, before health is looked at. */
export interface Narrowed {
  /** `undefined`: nothing in the set is for this client. */
  readonly tier: Tier | undefined;
  /** Length of the client prefix in which this is the same. */
  readonly scopeBits: number;
}

export interface TierParts {
  readonly answers: readonly number[];
  readonly wider: Tier | undefined;
  readonly networkBits?: number;
  readonly name: string;
}

/** @param policy name of the routing policy, for the rules */
export function createTier(policy: string, { networkBits = 0, ...parts }: TierParts): Tier {
  const { name } = parts;
  return {
    ...parts,
    networkBits,
    first: `${policy}: ${name} is the smallest that holds the client`,
    fallback: `${policy}: nothing smaller around the client is usable, so ${name}`,
  };
}

/** For clients that nothing else is for. `undefined` without answers. */
export function createDefault(
  policy: string,
  answers: readonly number[],
  kind: 'area' | 'network',
): Tier | undefined {
  if (answers.length === 0) return undefined;
  const tier = createTier(policy, { name: 'the default', answers, wider: undefined });
  return { ...tier, first: `${policy}: no ${kind} that is named holds the client, so the default` };
}
