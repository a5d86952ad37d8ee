import type { Invariant } from './invariants.ts';
import { runSchedule } from './run-schedule.ts';
import type { Schedule, Step } from './schedule.ts';

/** Runs that a search for less may take. */
const mostRuns = 150;

/**
 * The fewest steps found that still break the same invariant: leaves out halves, quarters and
 * so on, by Zeller's ddmin, as long as that helps.
 */
export function shrink(schedule: Schedule, invariant: Invariant): Schedule {
  let runs = 0;
  const fails = (steps: readonly Step[]): boolean =>
    runs++ < mostRuns && runSchedule({ ...schedule, steps }).violation?.invariant === invariant;
  let { steps } = schedule;
  for (let size = Math.ceil(steps.length / 2); size >= 1 && runs < mostRuns; ) {
    const fewer = lessOne(steps, size).find(fails);
    if (fewer) steps = fewer;
    if (!fewer && size === 1) break;
    size = Math.max(1, Math.min(fewer ? size : Math.floor(size / 2), Math.ceil(steps.length / 2)));
    if (steps.length === 0) break;
  }
  return { ...schedule, steps };
}

/** The steps without each run of `size` of them, in turn. */
function lessOne(steps: readonly Step[], size: number): Step[][] {
  const starts = Array.from({ length: Math.ceil(steps.length / size) }, (_, i) => i * size);
  return starts.map((start) => [...steps.slice(0, start), ...steps.slice(start + size)]);
}
