import { type Evidence, judge } from './guard.ts';
import { isInForce, type Shift, shareOfShift } from './shift.ts';

/** What one node finds due. */
export type ShiftAction = 'begin' | 'advance' | 'finish' | 'pause' | 'abort' | 'supersede';

export interface ShiftDecision {
  readonly action: 'wait' | ShiftAction;
  /** For people. */
  readonly reason: string;
}

/** All that one node knows when it decides. Ages are by its own monotonic clock. */
export interface ShiftFacts {
  readonly nowWallMs: number;
  /** Since it first saw the shift as it is now. */
  readonly ageMs: number;
  /** Since it has, without a break, weights in its configuration that the shift was not begun on. */
  readonly changedForMs: number | undefined;
  /** A revision is being rolled out: regions differ in what they run. */
  readonly rolling: boolean;
  /** Nodes that have not told lately what they count of this shift. */
  readonly silent: readonly string[];
  readonly evidence: Evidence;
}

/** For a revision to arrive everywhere, before a shift is said to be over by it. */
export const settledAfterMs = 10_000;

/**
 * What is to become of a shift. Pure; every node runs it over the same facts.
 *
 *   the configuration has other weights, settled ──▶ supersede
 *   running, and the guard finds a breach ─────────▶ pause, or abort
 *   a rollout runs, or a node is silent ───────────▶ wait
 *   its time has come ─────────────────────────────▶ begin
 *   the step was held, enough was seen, all good ──▶ the next step, or finish
 *   else ──────────────────────────────────────────▶ wait
 */
export function decideShift(shift: Shift, facts: ShiftFacts): ShiftDecision {
  if (!isInForce(shift)) return wait('it is over');
  const { changedForMs, rolling } = facts;
  if (changedForMs !== undefined) {
    if (changedForMs >= settledAfterMs && !rolling) {
      return { action: 'supersede', reason: 'the configuration has other weights since' };
    }
    return wait('the configuration has other weights');
  }
  if (shift.state === 'scheduled') return decideBegin(shift, facts);
  if (shift.state === 'running') return decideStep(shift, facts);
  return wait(shift.reason);
}

function decideBegin(shift: Shift, facts: ShiftFacts): ShiftDecision {
  const { startAt = shift.createdAt, guard } = shift;
  const leftMs = Date.parse(startAt) - facts.nowWallMs;
  if (leftMs > 0) return wait(`begins at ${startAt}`);
  return (guard && held(facts)) ?? { action: 'begin', reason: 'its time has come' };
}

function decideStep(shift: Shift, facts: ShiftFacts): ShiftDecision {
  const { step, steps, guard, everyMs, observeMs } = shift;
  const verdict = guard && step > 0 ? judge(shift, guard, facts.evidence) : undefined;
  if (guard && verdict?.kind === 'bad') return { action: guard.onBreach, reason: verdict.reason };
  const holding = held(facts);
  if (holding && (guard || facts.rolling)) return holding;
  const holdMs = step === 0 ? observeMs : everyMs;
  if (holdMs === undefined) return wait('waits for an operator to go on');
  if (facts.ageMs < holdMs) {
    const seconds = Math.ceil((holdMs - facts.ageMs) / 1_000);
    return wait(`holds for another ${seconds} s`);
  }
  if (verdict?.kind === 'few') return wait(verdict.reason);
  if (step === steps.length) return { action: 'finish', reason: 'the last step held' };
  const was = step === 0 ? 'how it was before is known' : `${shareOfShift(shift)} % held`;
  return { action: 'advance', reason: `${was}: ${steps[step]} %` };
}

function held({ rolling, silent }: ShiftFacts): ShiftDecision | undefined {
  if (rolling) return wait('a revision is being rolled out');
  if (silent.length === 0) return undefined;
  const [first, ...more] = silent;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return wait(`nothing is heard of what ${first}${others} counts`);
}

function wait(reason: string): ShiftDecision {
  return { action: 'wait', reason };
}
