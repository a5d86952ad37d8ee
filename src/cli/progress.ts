import type { NodeProgress } from '../admin/node-view.ts';
import type { Head, RevisionInfo, Rollout } from '../revisions/revision.ts';

/** What `GET /config/progress` answers. */
export interface Progress {
  readonly head: Head | undefined;
  readonly nodes: readonly NodeProgress[];
}

/**
 * What became of a revision:
 *
 *   moving ──▶ done         every node runs it, and its rollout is over
 *     │ ├────▶ refused      none is about to run it any more, and some could not build it
 *     │ ├────▶ rolledBack   a bound of its rollout broke
 *     │ └────▶ superseded   another revision was applied
 *     └─time is over─▶ late
 */
export type Outcome = 'moving' | 'done' | 'refused' | 'rolledBack' | 'superseded' | 'late';

export interface Judgement {
  readonly outcome: Outcome;
  /** For people; empty while it is moving, and when it is done. */
  readonly reason: string;
  /** Nodes whose outcome is known. */
  readonly settled: readonly NodeProgress[];
}

/** Judges how far a revision has come. Pure. */
export function judge({ head, nodes }: Progress, sequence: number): Judgement {
  const own = nodes.filter(({ desired }) => desired.sequence === sequence);
  const settled = own.filter((node) => runsIt(node) || node.state === 'refused');
  const of = (outcome: Outcome, reason = ''): Judgement => ({ outcome, reason, settled });
  if (!head) return of('moving');
  const { current, rollout } = head;
  if (current.sequence > sequence) return of('superseded', supersededBy(current));
  if (current.sequence < sequence) return of('moving'); // This region's replica is behind.
  if (rollout?.state === 'rolledBack') return of('rolledBack', rollout.reason);
  if (rollout?.state === 'running' || own.length < nodes.length) return of('moving');
  const refused = own.filter(({ state }) => state === 'refused');
  if (settled.length < own.length || own.length === 0) return of('moving');
  return refused.length === 0 ? of('done') : of('refused', refusedBy(refused.length));
}

export function runsIt({ state }: NodeProgress): boolean {
  return state === 'current' || state === 'localEdit';
}

/** Says where a rollout stands; `undefined` without one. */
export function stageOf(rollout: Rollout | undefined): string | undefined {
  if (!rollout) return undefined;
  const { waves, reached, state, reason } = rollout;
  if (state !== 'running') return `rollout ${state === 'done' ? 'done' : 'rolled back'}: ${reason}`;
  return `wave ${reached} of ${waves.length}: ${(waves[reached - 1] ?? []).join(', ')}`;
}

function supersededBy({ sequence, author }: RevisionInfo): string {
  return `revision ${sequence} of ${author} was applied meanwhile`;
}

function refusedBy(count: number): string {
  return count === 1 ? 'a node refused it' : `${count} nodes refused it`;
}
