import { outsideStates } from '../../observability/outside-metrics.ts';
import type { OutsideRecords } from './outside-set.ts';

/**
 * `known`: it has addresses; `absent`: a resolver says that it has none; `stale`: no resolver has
 * confirmed them in time, and they go on; `unknown`: answered with SERVFAIL.
 */
export type OutsideState = (typeof outsideStates)[number];

/** What is known of a name outside of the zones, for people. */
export interface OutsideStatus {
  readonly target: string;
  readonly state: OutsideState;
  readonly addresses: number;
  /** Times that it was asked for and no resolver told anything. */
  readonly failures: number;
  /** Why, the last time; `undefined`: it went well. */
  readonly problem: string | undefined;
}

/** Of both families together: the worse one counts, and one of them may have no addresses. */
export function stateOf(families: readonly (OutsideRecords | undefined)[]): OutsideState {
  if (families.includes(undefined)) return 'unknown';
  const known = families.filter((family) => family !== undefined);
  if (known.some(({ isStale }) => isStale)) return 'stale';
  return known.some(({ records }) => records.length > 0) ? 'known' : 'absent';
}

/** What several threads know of the same names: the worst of them counts, failures are added up. */
export function mergeOutside(threads: Iterable<readonly OutsideStatus[]>): OutsideStatus[] {
  const merged = new Map<string, OutsideStatus>();
  for (const one of [...threads].flat()) {
    const before = merged.get(one.target);
    if (!before) {
      merged.set(one.target, one);
      continue;
    }
    const isWorse = outsideStates.indexOf(one.state) > outsideStates.indexOf(before.state);
    const { state, addresses } = isWorse ? one : before;
    const problem = before.problem ?? one.problem;
    const failures = before.failures + one.failures;
    merged.set(one.target, { target: one.target, state, addresses, failures, problem });
  }
  return [...merged.values()];
}

/** What an operator should know of, a sentence each. */
export function outsideTroubles(names: readonly OutsideStatus[]): string[] {
  return names.flatMap(({ target, state, problem }) => {
    if (state === 'absent') return [`${target}, which an ALIAS leads to, has no addresses`];
    if (problem === undefined || state === 'known') return [];
    const how = state === 'stale' ? 'goes on with old addresses' : 'has no addresses yet';
    return [`${target}, which an ALIAS leads to, ${how}: ${problem}`];
  });
}
