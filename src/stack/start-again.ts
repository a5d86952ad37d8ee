import type { Clock } from '../base/clock.ts';
import { failStack } from './errors.ts';
import type { Fleet, Outcome } from './fleet.ts';
import type { StackProcess } from './processes/stack-process.ts';
import { type RollStep, tellEveryMs } from './rolling/roll.ts';

/** A drain may last longer, where TTLs are long: then it is for the operator to say what counts. */
export const endWithinMs = 90_000;

export interface StartAgainOptions {
  readonly fleet: Pick<Fleet, 'processes' | 'start'>;
  readonly clock: Clock;
  /** The stack itself ends: nothing is started any more. */
  readonly stop: AbortSignal;
  /** Whether a region or voter is being changed: whoever does that starts and ends on its own. */
  readonly isChanging: () => boolean;
  /** Told now and then while it waits. */
  readonly tell: (step: RollStep) => void;
}

/**
 * Starts and thaws processes, those that are just ending after their end:
 *
 *   started, thawed ──▶ one is ending ──its end──▶ started ─┐
 *         │                  ▲ └─ 90 s ──▶ `still_ending`   │
 *         │                  └───────── another is ─────────┤
 *         └── none is ──────────────────────────────────────┴──▶ outcome
 *
 * @throws MeridianError `still_ending` that names them, `growth_running`, `stack_not_running`
 */
export async function startAgain(
  processes: readonly StackProcess[],
  { fleet, clock, stop, isChanging, tell }: StartAgainOptions,
): Promise<Outcome> {
  let ending = processes.filter(({ isEnding }) => isEnding);
  let outcome = fleet.start(processes);
  const sinceMs = clock.monotonicMs();
  while (ending.length > 0) {
    await oneEnded(ending, clock, stop);
    if (stop.aborted) failStack('stack_not_running', 'the stack is ending');
    if (isChanging()) {
      failStack('growth_running', `${idsOf(ending)}: a region or voter is being changed`);
    }
    const ended = ending.filter(({ isEnding }) => !isEnding);
    ending = ending.filter((member) => !ended.includes(member));
    // What was taken out of the stack meanwhile has ended for good.
    const again = fleet.start(ended.filter((member) => fleet.processes.includes(member)));
    outcome = joined(outcome, again);
    const elapsedMs = clock.monotonicMs() - sinceMs;
    if (ending.length > 0 && elapsedMs >= endWithinMs) failEnding(ending, outcome);
    for (const [index, { spec }] of ending.entries()) {
      const place = { node: spec.id, position: index + 1, count: ending.length };
      tell({ step: 'waiting', ...place, elapsedMs, why: 'it has not ended yet' });
    }
  }
  return outcome;
}

/** Resolves when one has ended, after some seconds, or when the stack ends. */
async function oneEnded(
  ending: readonly StackProcess[],
  clock: Clock,
  stop: AbortSignal,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = clock.after(tellEveryMs, over.resolve);
  stop.addEventListener('abort', () => over.resolve(), { once: true });
  if (stop.aborted) over.resolve();
  await Promise.race([over.promise, ...ending.map((member) => member.ended)]);
  timer.cancel();
}

function joined(before: Outcome, after: Outcome): Outcome {
  const changed = [...new Set([...before.changed, ...after.changed])];
  const unchanged = before.unchanged.filter((id) => !changed.includes(id));
  return { changed, unchanged, first: before.first ?? after.first };
}

function failEnding(ending: readonly StackProcess[], { changed }: Outcome): never {
  const seconds = endWithinMs / 1_000;
  const started = changed.length === 0 ? '' : `; started: ${changed.join(', ')}`;
  return failStack(
    'still_ending',
    `told to end, and not ended within ${seconds} s: ${idsOf(ending)}; it drains, or hangs: ask again, or kill it and start it${started}`,
  );
}

function idsOf(processes: readonly StackProcess[]): string {
  return processes.map(({ spec, identity }) => `${spec.id} (pid ${identity?.pid})`).join(', ');
}
