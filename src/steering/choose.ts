import { chooseAddresses } from './addresses.ts';
import { nextChance } from './chance.ts';
import type { SteeringContext } from './context.ts';
import { type Grade, grade, gradeAnswer, gradeOf, isLastResort, worse } from './grade.ts';
import { cidr } from './policies/cidr.ts';
import { exclusive } from './policies/exclusive.ts';
import { failover } from './policies/failover.ts';
import { geolocation } from './policies/geolocation.ts';
import { geoproximity } from './policies/geoproximity.ts';
import { latency } from './policies/latency.ts';
import { multivalue } from './policies/multivalue.ts';
import type { Question, RoutingPolicy } from './policies/routing-policy.ts';
import { simple } from './policies/simple.ts';
import { weighted } from './policies/weighted.ts';
import type {
  Choice,
  ClientNetwork,
  RoutingPolicyName,
  SteeredAnswer,
  SteeredSet,
} from './record-set.ts';
import { isByChance, isGivenAway, type ShiftedSteering } from './shifts/drain.ts';
import { stickyBits } from './sticky.ts';
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
  exclusive,
};

/**
 * Chooses what to answer a client. Pure: the same arguments give the same choice.
 *
 *   answers ─ policy.narrow ─▶ those for this client, in tiers
 *           ─ grade ─▶ drop forbidden (and, where closed or fixed, the last resorts)
 *           ─ policy.preference ─▶ only the most preferred: the finalists
 *           ─ policy.pick ─▶ answers ─ branches, chooseAddresses ─▶ choice
 *
 * A branch is as fit as what is chosen in it: the choice leaves one without a healthy leaf
 * by the same rules by which it leaves an unhealthy answer.
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
  return new Contest(inForce(set, context), knownClient(client), context, random).decide();
}

/** What a record set comes to: what it answers, and how fit that is for the set above it. */
export interface Outcome {
  readonly choice: Choice;
  /** `forbidden`: it has nothing to give. */
  readonly fitness: Grade;
}

/** The same for a client with at least one bit, with the grade. */
export function settle(
  set: SteeredSet,
  client: ClientNetwork | undefined,
  context: SteeringContext,
  random: number,
): Outcome {
  const contest = new Contest(inForce(set, context), client, context, random);
  const choice = contest.decide();
  return { choice, fitness: contest.fitness };
}

/** The set with the weights that hold now. */
export function inForce(set: SteeredSet, { shifted }: SteeringContext): SteeredSet {
  return shifted?.sets.get(set) ?? set;
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
  return graded === grade.forbidden || (set.lastResort !== 'open' && isLastResort(graded));
}

/**
 * One choice: takes the answers one by one, and keeps those that the policy prefers to all
 * others. Each query makes one, so it is the question to the policy too.
 */
class Contest implements Question {
  /** Of what was chosen; for the set above. */
  fitness: Grade = grade.forbidden;
  readonly set: SteeredSet;
  readonly policy: RoutingPolicy;
  readonly client: ClientNetwork | undefined;
  readonly context: SteeringContext;
  readonly random: number;
  readonly narrowed: Narrowed | undefined;
  /** What regions keep of their clients; `undefined`: all. */
  readonly kept: ShiftedSteering['kept'];
  finalists: number[] = [];
  tier: Tier | undefined;
  lowest = Number.POSITIVE_INFINITY;
  /** The best grade of any answer, given or not. `undefined`: none is for the client. */
  best: Grade | undefined;
  /** Weight, or number, of the answers that residency allows, and of those not unhealthy. */
  total = 0;
  up = 0;
  /** What the branches that were looked at came to, by answer. */
  outcomes: Map<number, Outcome> | undefined;
  scopeBits: number;

  constructor(
    set: SteeredSet,
    client: ClientNetwork | undefined,
    context: SteeringContext,
    random: number,
  ) {
    this.set = set;
    this.policy = routingPolicies[set.routing];
    this.client = client;
    this.context = context;
    this.random = random;
    this.narrowed = this.policy.narrow?.(set, client, context);
    this.scopeBits = this.narrowed?.scopeBits ?? 0;
    this.kept = context.shifted?.kept;
  }

  decide(): Choice {
    const { minimumHealthyShare } = this.set;
    this.enterAll(false);
    const isBelow = minimumHealthyShare !== undefined && this.up < minimumHealthyShare * this.total;
    if (isBelow) this.enterAll(true);
    if (this.finalists.length === 0) return this.nothing(isBelow);
    const picked = this.policy.pick(this.finalists, this);
    return this.complete(picked, isBelow);
  }

  /** @param levelled too few are healthy: all count the same, but for what was withdrawn */
  enterAll(levelled: boolean): void {
    this.finalists = [];
    this.lowest = Number.POSITIVE_INFINITY;
    this.fitness = grade.forbidden;
    if (!this.narrowed) {
      const { length } = this.set.answers;
      for (let index = 0; index < length; index++) this.enter(index, undefined, 0, levelled);
      return;
    }
    let tierNumber = 0;
    for (let { tier } = this.narrowed; tier; tier = tier.wider) {
      for (const index of tier.answers) this.enter(index, tier, tierNumber, levelled);
      tierNumber++;
    }
  }

  enter(index: number, tier: Tier | undefined, tierNumber: number, levelled: boolean): void {
    const set = this.set;
    const answer = set.answers[index]!;
    let graded = answer.branch ? this.gradeBranch(index) : gradeAnswer(set, answer, this.context);
    if (this.kept !== undefined && !answer.branch) graded = this.afterDrain(answer.region, graded);
    if (this.best === undefined || graded < this.best) this.best = graded;
    if (levelled && graded < grade.withdrawn) {
      graded = set.lastResort === 'open' ? grade.healthy : grade.degraded;
    } else if (set.minimumHealthyShare !== undefined && graded !== grade.forbidden) {
      const share = shareOf(set, answer);
      this.total += share;
      if (!isLastResort(graded)) this.up += share;
    }
    if (isExcluded(graded, set)) return;
    const preference = this.policy.preference(answer, graded, tierNumber);
    if (preference > this.lowest) return;
    if (preference < this.lowest) this.finalists = [];
    this.lowest = preference;
    this.fitness = graded;
    this.tier = tier;
    this.finalists.push(index);
  }

  /** A region that gives this client away comes after all that are good, and before all that are not. */
  afterDrain(region: number, graded: Grade): Grade {
    const kept = this.kept?.[region] ?? 1;
    if (kept >= 1 || graded >= grade.standby) return graded;
    const client = isByChance(this.set) ? undefined : this.client;
    // What keeps nobody gives all clients away alike.
    if (client && kept > 0) this.scopeBits = Math.max(this.scopeBits, stickyBits(client));
    return isGivenAway(region, kept, client, this.random) ? grade.standby : graded;
  }

  gradeBranch(index: number): Grade {
    const { branch, check } = this.set.answers[index]!;
    const fitness = branch?.evaluate ? this.outcomeOf(index)?.fitness : undefined;
    const graded = fitness ?? grade.healthy;
    return check === undefined ? graded : worse(graded, gradeOf(this.context.states.check(check)));
  }

  /** `undefined`: no branch, or a plain record set. The depth of trees is bounded, see `Branch`. */
  outcomeOf(index: number): Outcome | undefined {
    const set = this.set.answers[index]?.branch?.set;
    if (!set) return undefined;
    let outcome = this.outcomes?.get(index);
    if (outcome) return outcome;
    outcome = settle(set, this.client, this.context, nextChance(this.random));
    this.outcomes ??= new Map();
    this.outcomes.set(index, outcome);
    this.scopeBits = Math.max(this.scopeBits, outcome.choice.scopeBits);
    return outcome;
  }

  /** Adds to what the policy picked: addresses, branches, and the scope of all that was looked at. */
  complete(picked: Choice, isBelow: boolean): Choice {
    const set = this.set;
    const addresses = chooseAddresses(set, picked.answers, this.context.states, this.random);
    const branches = this.branchesOf(picked.answers);
    if (isBelow) this.fitness = lastResortOf(this.best);
    if (this.scopeBits < picked.scopeBits) this.scopeBits = picked.scopeBits;
    const isLast = isLastResort(this.fitness);
    if (!addresses && !branches && !isLast && this.scopeBits === picked.scopeBits) return picked;
    const why = isBelow ? 'last resort, since too few are healthy, ' : 'last resort, ';
    return {
      answers: picked.answers,
      ...(addresses && { addresses }),
      ...(branches && { branches }),
      scopeBits: this.scopeBits,
      rule: isLast ? why + picked.rule : picked.rule,
    };
  }

  branchesOf(answers: readonly number[]): (Choice | undefined)[] | undefined {
    let branches: (Choice | undefined)[] | undefined;
    for (let at = 0; at < answers.length; at++) {
      const outcome = this.outcomeOf(answers[at]!);
      if (!outcome) continue;
      branches ??= answers.map(() => undefined);
      branches[at] = outcome.choice;
    }
    return branches;
  }

  nothing(isBelow: boolean): Choice {
    const scopeBits = this.scopeBits;
    if (this.best === undefined) {
      const rule =
        this.set.routing === 'exclusive'
          ? 'no answer: no region is known to be active'
          : 'no answer: none is for this client, and there is no default';
      return { answers: [], scopeBits, rule };
    }
    if (this.best === grade.forbidden) {
      const rule = this.outcomes
        ? 'no answer: no branch has one to give'
        : 'no answer: residency allows none of the regions';
      return { answers: [], scopeBits, rule };
    }
    const few = isBelow ? 'too few are healthy' : 'none is usable';
    if (this.set.lastResort === 'fixed') {
      this.fitness = lastResortOf(this.best);
      return { answers: [], fixed: true, scopeBits, rule: `last resort, ${few}: the fixed answer` };
    }
    const rule = `no answer: ${few} and the last resort is closed`;
    return { answers: [], scopeBits, rule };
  }
}

/** What an answer counts for the minimum healthy share: its weight, where there are weights. */
function shareOf({ routing, answers }: SteeredSet, { weight }: SteeredAnswer): number {
  return routing === 'weighted' && answers.some((other) => other.weight > 0) ? weight : 1;
}

/** How fit a set is that came to its last resort. */
function lastResortOf(best: Grade | undefined): Grade {
  return best === undefined || !isLastResort(best) ? grade.degraded : best;
}
