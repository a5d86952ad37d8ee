import { chooseAddresses } from './addresses.ts';
import type { SteeringContext } from './context.ts';
import { type Grade, grade, gradeAnswer, isLastResort } from './grade.ts';
import { cidr } from './policies/cidr.ts';
import { failover } from './policies/failover.ts';
import { geolocation } from './policies/geolocation.ts';
import { geoproximity } from './policies/geoproximity.ts';
import { latency } from './policies/latency.ts';
import { multivalue } from './policies/multivalue.ts';
import type { RoutingPolicy } from './policies/routing-policy.ts';
import { simple } from './policies/simple.ts';
import { weighted } from './policies/weighted.ts';
import type { Choice, ClientNetwork, RoutingPolicyName, SteeredSet } from './record-set.ts';
import type { Narrowed, Tier } from './tiers/tier.ts';

/** Every routing policy there is. */
const routingPolicies: Readonly<Record<RoutingPolicyName, RoutingPolicy>> = {
  simple,
  weighted,
  failover,
  latency,
  multivalue,
  geolocation,
  geoproximity,
  cidr,
};

/**
 * Chooses what to answer a client. Pure: the same arguments give the same choice.
 *
 *   answers ─ policy.narrow ─▶ those for this client, in tiers
 *           ─ grade ─▶ drop forbidden (and, where closed, the last resorts)
 *           ─ policy.preference ─▶ only the most preferred: the finalists
 *           ─ policy.pick ─▶ answers ─ chooseAddresses ─▶ choice
 *
 * A client network with 0 bits (a resolver that wants no steering by client,
 * RFC 7871 section 7.1.2) counts as no client.
 *
 * @param random [0, 1), new for each question; the caller's only source of chance
 */
export function choose(
  set: SteeredSet,
  client: ClientNetwork | undefined,
  context: SteeringContext,
  random: number,
): Choice {
  const policy = routingPolicies[set.routing];
  const known = knownClient(client);
  const narrowed = narrow(set, known, context);
  const contest = new Contest(set, policy, context);
  if (!narrowed) {
    for (let index = 0; index < set.answers.length; index++) contest.enter(index, undefined, 0);
  } else {
    let tierNumber = 0;
    for (let { tier } = narrowed; tier; tier = tier.wider) {
      for (const index of tier.answers) contest.enter(index, tier, tierNumber);
      tierNumber++;
    }
  }
  const { finalists, tier, fitness } = contest;
  if (finalists.length === 0) {
    return { answers: [], scopeBits: narrowed?.scopeBits ?? 0, rule: contest.whyNone() };
  }
  const question = { set, client: known, context, random, narrowed, tier };
  const picked = policy.pick(finalists, question);
  const addresses = chooseAddresses(set, picked.answers, context.states, random);
  const choice = addresses ? { ...picked, addresses } : picked;
  return isLastResort(fitness) ? { ...choice, rule: `last resort, ${choice.rule}` } : choice;
}

/** Which answers are for the client. `undefined`: each is, whoever asks. */
export function narrow(
  set: SteeredSet,
  client: ClientNetwork | undefined,
  context: SteeringContext,
): Narrowed | undefined {
  return routingPolicies[set.routing].narrow?.(set, client, context);
}

/** The client, unless it gave no bit of its address. */
export function knownClient(client: ClientNetwork | undefined): ClientNetwork | undefined {
  return client && client.prefixBits > 0 ? client : undefined;
}

/** Whether an answer of this grade is never given for this record set. */
export function isExcluded(graded: Grade, set: SteeredSet): boolean {
  return graded === grade.forbidden || (set.lastResort === 'closed' && isLastResort(graded));
}

/** Takes the answers one by one, and keeps those that the policy prefers to all others. */
class Contest {
  finalists: number[] = [];
  /** Of the finalists. */
  fitness: Grade = grade.forbidden;
  tier: Tier | undefined;
  readonly #set: SteeredSet;
  readonly #policy: RoutingPolicy;
  readonly #context: SteeringContext;
  #lowest = Number.POSITIVE_INFINITY;
  #entered = 0;
  #forbidden = 0;

  constructor(set: SteeredSet, policy: RoutingPolicy, context: SteeringContext) {
    this.#set = set;
    this.#policy = policy;
    this.#context = context;
  }

  enter(index: number, tier: Tier | undefined, tierNumber: number): void {
    const answer = this.#set.answers[index]!;
    const graded = gradeAnswer(this.#set, answer, this.#context);
    this.#entered++;
    if (graded === grade.forbidden) this.#forbidden++;
    if (isExcluded(graded, this.#set)) return;
    const preference = this.#policy.preference(answer, graded, tierNumber);
    if (preference > this.#lowest) return;
    if (preference < this.#lowest) this.finalists = [];
    this.#lowest = preference;
    this.fitness = graded;
    this.tier = tier;
    this.finalists.push(index);
  }

  whyNone(): string {
    if (this.#entered === 0) return 'no answer: none is for this client, and there is no default';
    if (this.#forbidden === this.#entered) {
      return 'no answer: residency allows none of the regions';
    }
    return 'no answer: none is usable and the last resort is closed';
  }
}
