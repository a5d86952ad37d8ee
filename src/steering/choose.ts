import { chooseAddresses } from './addresses.ts';
import type { SteeringContext } from './context.ts';
import { type Grade, grade, gradeAnswer, isLastResort } from './grade.ts';
import { failover } from './policies/failover.ts';
import { latency } from './policies/latency.ts';
import type { RoutingPolicy } from './policies/routing-policy.ts';
import { simple } from './policies/simple.ts';
import { weighted } from './policies/weighted.ts';
import type { Choice, ClientNetwork, RoutingPolicyName, SteeredSet } from './record-set.ts';

/** Every routing policy there is. */
const routingPolicies: Readonly<Record<RoutingPolicyName, RoutingPolicy>> = {
  simple,
  weighted,
  failover,
  latency,
};

/**
 * Chooses what to answer a client. Pure: the same arguments give the same choice.
 *
 *   answers ─ grade ─▶ drop forbidden (and, where closed, the last resorts)
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
  let finalists: number[] = [];
  let lowest = Number.POSITIVE_INFINITY;
  let fitness: Grade = grade.forbidden;
  for (const [index, answer] of set.answers.entries()) {
    const graded = gradeAnswer(set, answer, context);
    if (isExcluded(graded, set)) continue;
    const preference = policy.preference(answer, graded);
    if (preference > lowest) continue;
    if (preference < lowest) finalists = [];
    lowest = preference;
    fitness = graded;
    finalists.push(index);
  }
  if (finalists.length === 0) return { answers: [], scopeBits: 0, rule: whyNone(set, context) };
  const question = { set, client: knownClient(client), context, random };
  const picked = policy.pick(finalists, question);
  const addresses = chooseAddresses(set, picked.answers, context.states, random);
  const choice = addresses ? { ...picked, addresses } : picked;
  return isLastResort(fitness) ? { ...choice, rule: `last resort, ${choice.rule}` } : choice;
}

/** The client, unless it gave no bit of its address. */
export function knownClient(client: ClientNetwork | undefined): ClientNetwork | undefined {
  return client && client.prefixBits > 0 ? client : undefined;
}

/** Whether an answer of this grade is never given for this record set. */
export function isExcluded(graded: Grade, set: SteeredSet): boolean {
  return graded === grade.forbidden || (set.lastResort === 'closed' && isLastResort(graded));
}

function whyNone(set: SteeredSet, context: SteeringContext): string {
  const forbidden = set.answers.every(
    (answer) => gradeAnswer(set, answer, context) === grade.forbidden,
  );
  if (forbidden) return 'no answer: residency allows none of the regions';
  return 'no answer: none is usable and the last resort is closed';
}
