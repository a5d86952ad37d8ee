import type { Violation } from './invariants.ts';
import { runSchedule } from './run-schedule.ts';
import { describeSchedule, generateSchedule, type Schedule } from './schedule.ts';
import { shrink } from './shrink.ts';

export interface Finding {
  readonly seed: number;
  readonly violation: Violation;
  readonly schedule: Schedule;
}

/** Runs the schedules of the seeds in order; returns the first that breaks an invariant. */
export function firstFinding(seeds: Iterable<number>): Finding | undefined {
  for (const seed of seeds) {
    const schedule = generateSchedule(seed);
    const { violation } = runSchedule(schedule);
    if (violation) return { seed, violation, schedule };
  }
  return undefined;
}

/** For people: what broke, the fewest steps to it, how to see it again, and all decisions. */
export function report({ seed, violation, schedule }: Finding): string {
  const smallest = shrink(schedule, violation.invariant);
  const again = runSchedule(smallest);
  return [
    `schedule of seed ${seed} broke: ${violation.message}`,
    `again: npm run simulate -- --seed ${seed}`,
    `with ${smallest.steps.length} of ${schedule.steps.length} steps: ${again.violation?.message}`,
    describeSchedule(smallest),
    again.transcript,
  ].join('\n');
}
