import { brokenKeys } from '../linearizability/check.ts';
import type { Action, Operation } from '../linearizability/operation.ts';
import type { Observation, ProcessHistory } from './observation.ts';

/** Timers and event loops of the processes that took the times. */
const toleranceMs = 25;

/** What is wrong with a history, a sentence each. */
export function judge(histories: readonly ProcessHistory[]): string[] {
  const observations = histories.flatMap((one) => one.observations);
  return [
    ...brokenKeys(operationsOf(observations)).map((key) => `${key} is not linearizable`),
    ...twiceApplied(histories),
    ...staleLocalReads(observations),
    ...inventedValues(observations),
  ];
}

/** Strong reads and writes, for the checker. */
export function operationsOf(observations: readonly Observation[]): Operation[] {
  return observations.flatMap((observation): Operation[] => {
    const { key, client, calledAtMs, answer } = observation;
    const action = actionOf(observation);
    if (!action) return [];
    const answeredAtMs = answer.type === 'unknown' ? undefined : observation.answeredAtMs;
    return [{ key, client, action, calledAtMs, answeredAtMs }];
  });
}

/** `undefined`: it says nothing, since it did not happen or promises less. */
function actionOf({ action, answer, value, expected }: Observation): Action | undefined {
  if (answer.type === 'none' || action === 'local') return undefined;
  if (action === 'strong') {
    return answer.type === 'found' ? { type: 'read', got: answer.value } : undefined;
  }
  if (action === 'put' || action === 'delete') return { type: 'write', value };
  return { type: 'compareAndSet', expected, value, done: answer.type !== 'refused' };
}

/** Every write has a value of its own, so a value with two versions was stored twice. */
function twiceApplied(histories: readonly ProcessHistory[]): string[] {
  const versions = new Map<string, Set<string>>();
  const saw = (key: string, value: string | undefined, version: string | undefined) => {
    if (value === undefined || version === undefined) return;
    const id = `${key}=${value}`;
    versions.set(id, (versions.get(id) ?? new Set()).add(version));
  };
  for (const { observations, told } of histories) {
    for (const { key, value, version } of told) saw(key, value, version);
    for (const { key, value, answer } of observations) {
      if (answer.type === 'found') saw(key, answer.value, answer.version);
      if (answer.type === 'done') saw(key, value, answer.version);
    }
  }
  return [...versions]
    .filter(([, seen]) => seen.size > 1)
    .map(([id, seen]) => `${id} was stored more than once: versions ${[...seen].join(', ')}`);
}

interface Acknowledged {
  readonly atMs: number;
  readonly version: number;
}

/**
 * A local read gives what was the latest no longer ago than it says: no version that had been
 * followed by another, acknowledged one at that time.
 */
function staleLocalReads(observations: readonly Observation[]): string[] {
  const written = Map.groupBy(observations, ({ key }) => key);
  return observations.flatMap(({ key, client, action, answeredAtMs, answer }) => {
    if (action !== 'local' || answer.type !== 'found') return [];
    const since = answeredAtMs - answer.staleForMs - toleranceMs;
    const others = written.get(key) ?? [];
    // Without versions of deletions, a key that was deleted may have no value at any time.
    const deletable = others.some((one) => one.action === 'delete');
    if (answer.version === undefined && deletable) return [];
    const newest = latest(others, since);
    const got = Number(answer.version ?? 0);
    if (newest === undefined || newest.version <= got) return [];
    const text = `${key}: ${client} read version ${got}, at most ${answer.staleForMs.toFixed(0)} ms old`;
    const lateMs = (answeredAtMs - newest.atMs).toFixed(0);
    return [`${text}, and ${newest.version} was acknowledged ${lateMs} ms before`];
  });
}

function latest(observations: readonly Observation[], beforeMs: number): Acknowledged | undefined {
  let newest: Acknowledged | undefined;
  for (const { answer, answeredAtMs } of observations) {
    if (answer.type !== 'done' || answer.version === undefined) continue;
    const version = Number(answer.version);
    if (answeredAtMs >= beforeMs || version <= (newest?.version ?? 0)) continue;
    newest = { atMs: answeredAtMs, version };
  }
  return newest;
}

/** Local reads too give only what somebody had begun to write. */
function inventedValues(observations: readonly Observation[]): string[] {
  const begun = new Map<string, number>();
  for (const { key, value, calledAtMs } of observations) {
    if (value !== undefined) begun.set(`${key}=${value}`, calledAtMs);
  }
  return observations.flatMap(({ key, client, answer, answeredAtMs }) => {
    if (answer.type !== 'found' || answer.value === undefined) return [];
    const atMs = begun.get(`${key}=${answer.value}`);
    if (atMs !== undefined && atMs <= answeredAtMs) return [];
    return [`${key}: ${client} read ${answer.value}, which nobody had written`];
  });
}
