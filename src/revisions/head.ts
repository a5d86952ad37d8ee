import type { Author, Change, Rollback, RolloutPlan } from './change.ts';
import { fail } from './errors.ts';
import type {
  ContentRef,
  Head,
  RevisionInfo,
  RevisionRef,
  Rollout,
  TrafficCount,
} from './revision.ts';

/*
 * The next head, from the one that was seen and what is asked for. Pure: the shell writes
 * it by compare-and-set, so it stands only where the one that was seen still stood.
 */

/** The one key that decides. */
export const headKey = 'head.json';

export function encodeHead(head: Head): Uint8Array {
  return Buffer.from(JSON.stringify(head));
}

/** What a new head needs beside what was asked for. */
export interface Making {
  readonly change: string;
  readonly nowMs: number;
  readonly content: ContentRef;
  /** Of all nodes, where a rollout begins. */
  readonly baseline?: Readonly<Record<string, TrafficCount>> | undefined;
}

/**
 * Whether a change may be accepted after `head`.
 *
 * @throws RevisionError `revision_conflict`, `revision_unchanged`, `rollout_running`, `rollout_invalid`
 */
export function checkAgainst(head: Head | undefined, change: Change): void {
  checkBase(head, change.base);
  if (head && head.current.hash === change.hash && head.rollout?.state !== 'rolledBack') {
    fail(
      'revision_unchanged',
      `revision ${head.current.sequence} has this very content: there is nothing to apply`,
      { details: { current: refOf(head.current) } },
    );
  }
  checkNoRollout(head, change.supersede);
  checkWayBack(head, change.rollout);
}

/** @throws RevisionError `revision_conflict` */
export function checkBase(head: Head | undefined, base: RevisionRef | undefined): void {
  const found = head && refOf(head.current);
  if (found?.sequence === base?.sequence && found?.hash === base?.hash) return;
  const expected = base && { sequence: base.sequence, hash: base.hash };
  const was = expected ? `revision ${expected.sequence}` : 'no revision yet';
  const is = head
    ? `revision ${head.current.sequence} of ${head.current.author} is current`
    : 'there is none';
  const message = `the change was planned against ${was}, and ${is}: plan it anew`;
  fail('revision_conflict', message, { details: { expected, found } });
}

function checkNoRollout(head: Head | undefined, supersede = false): void {
  const { rollout } = head ?? {};
  if (rollout?.state !== 'running' || supersede) return;
  fail(
    'rollout_running',
    `revision ${head?.current.sequence} is being rolled out (wave ${rollout.reached} of ${rollout.waves.length}): wait, roll it back, or supersede it`,
    { details: { reached: rollout.reached, waves: rollout.waves } },
  );
}

function checkWayBack(head: Head | undefined, rollout: RolloutPlan | undefined): void {
  if (head || !rollout) return;
  const message = 'the first revision has nothing to be rolled back to: apply it without waves';
  fail('rollout_invalid', message);
}

/** The head with a new content. */
export function appliedHead(
  head: Head | undefined,
  change: Omit<Change, 'base'>,
  making: Making,
): Head {
  const current: RevisionInfo = {
    ...infoAfter(head, change, making),
    hash: change.hash,
    kind: change.seed === undefined ? 'apply' : 'seed',
    restores: undefined,
    seed: change.seed,
  };
  const { rollout } = change;
  const begun = rollout && beginRollout(rollout, making.baseline ?? {});
  return { version: 1, current, previous: settledRevision(head), rollout: begun };
}

/** The head that brings back the content of `target`. */
export function rolledBackHead(
  head: Head,
  target: RevisionInfo,
  rollback: Rollback,
  making: Omit<Making, 'content'>,
): Head {
  const current: RevisionInfo = {
    ...infoAfter(head, rollback, { ...making, content: target.content }),
    hash: target.hash,
    kind: 'rollback',
    restores: target.sequence,
    seed: undefined,
  };
  return { version: 1, current, previous: settledRevision(head), rollout: undefined };
}

/**
 * What all regions run, or ran before a rollout that has not come to its end: where an
 * unreached region is left, and what a rollback goes back to.
 */
export function settledRevision(head: Head | undefined): RevisionInfo | undefined {
  if (!head) return undefined;
  const { current, previous, rollout } = head;
  return rollout === undefined || rollout.state === 'done' ? current : previous;
}

/** The revision to come back to where none was named. @throws RevisionError `revision_unknown` */
export function revisionBefore(head: Head): RevisionInfo {
  if (head.previous) return head.previous;
  return fail('revision_unknown', `there is none before revision ${head.current.sequence}`);
}

function infoAfter(
  head: Head | undefined,
  { author, message, after = 0 }: Author,
  { change, nowMs, content }: Making,
) {
  const before = head?.current;
  return {
    sequence: Math.max(before?.sequence ?? 0, after) + 1,
    serial: Math.max(Math.floor(nowMs / 1_000), (before?.serial ?? 0) + 1) >>> 0,
    appliedAt: new Date(nowMs).toISOString(),
    author,
    message,
    base: before && refOf(before),
    content,
    change,
  };
}

function beginRollout(
  { waves, pauseMs, bounds }: RolloutPlan,
  baseline: Readonly<Record<string, TrafficCount>>,
): Rollout {
  const { errorShare, readyShare } = bounds;
  return {
    waves,
    reached: 1,
    pauseMs,
    bounds: { errorShare, readyShare },
    state: 'running',
    reason: `wave 1 of ${waves.length} has begun`,
    baseline,
  };
}

export function refOf({ sequence, hash }: RevisionRef): RevisionRef {
  return { sequence, hash };
}

export function isSameRevision(a: RevisionRef | undefined, b: RevisionRef | undefined): boolean {
  return a?.sequence === b?.sequence && a?.hash === b?.hash;
}
