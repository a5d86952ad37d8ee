import type { SteeringContext } from '../context.ts';
import type { Grade } from '../grade.ts';
import type { Choice, ClientNetwork, SteeredAnswer, SteeredSet } from '../record-set.ts';
import type { Narrowed, Tier } from '../tiers/tier.ts';

/** One question to a routing policy, after grading has left only the finalists. */
export interface Question {
  readonly set: SteeredSet;
  readonly client: ClientNetwork | undefined;
  readonly context: SteeringContext;
  /** [0, 1), new for each question. */
  readonly random: number;
  /** What `narrow` gave, and the tier of it that the finalists are of. */
  readonly narrowed: Narrowed | undefined;
  readonly tier: Tier | undefined;
}

/**
 * How a record set chooses. Without state; the same question has the same answer, and
 * the order in which the answers are configured changes nothing but the order given.
 */
export interface RoutingPolicy {
  /**
   * Which answers are for this client at all, before health is looked at. Absent: each
   * answer is for every client.
   */
  narrow?(set: SteeredSet, client: ClientNetwork | undefined, context: SteeringContext): Narrowed;
  /**
   * Lower is preferred. Only the answers with the lowest number become finalists.
   *
   * @param tierNumber how many tiers of the client are smaller
   */
  preference(answer: SteeredAnswer, fitness: Grade, tierNumber: number): number;
  /** Chooses among the finalists (at least one; their array is the policy's to reorder). */
  pick(finalists: number[], question: Question): Choice;
}
