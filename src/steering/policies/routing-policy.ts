import type { SteeringContext } from '../context.ts';
import type { Grade } from '../grade.ts';
import type { Choice, ClientNetwork, SteeredAnswer, SteeredSet } from '../record-set.ts';

/** One question to a routing policy, after grading has left only the finalists. */
export interface Question {
  readonly set: SteeredSet;
  readonly client: ClientNetwork | undefined;
  readonly context: SteeringContext;
  /** [0, 1), new for each question. */
  readonly random: number;
}

/**
 * How a record set chooses. Without state; the same question has the same answer, and
 * the order in which the answers are configured changes nothing but the order given.
 */
export interface RoutingPolicy {
  /** Lower is preferred. Only the answers with the lowest number become finalists. */
  preference(answer: SteeredAnswer, fitness: Grade): number;
  /** Chooses among the finalists (at least one; their array is the policy's to reorder). */
  pick(finalists: number[], question: Question): Choice;
}
