import { brokenKeys, linearize } from '../linearizability/check.ts';
import type { Action, Operation } from '../linearizability/operation.ts';
import type { Observation, ProcessHistory } from './observation.ts';

/** What is wrong with a history, a sentence each. */
export function judge(histories: readonly ProcessHistory[]): string[] {
  const observations = histories.flatMap((one) => one.observations);
  const broken = brokenKeys(operationsOf(observations));
  return [
    ...broken.map((key) => `${key} is not linearizable`),
    ...staleLocalReads(observations.filter(({ key }) => !broken.includes(key))),
    ...twiceApplied(histories),
    ...versionsGoneBack(observations),
    ...wrongWatches(histories),
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

/**
 * A local read that may be S old gives what was current at some moment from S before its call
 * to its answer. So it is a linearizable read that was called S earlier:
 *
 *             ├──────── S ────────┤ called ── answered
 *   write 1 ──│──▶ write 2        │
 *             └ here it may have read 1
 *
 * All of a key together must fit one order of the writes and strong reads, which fit one.
 */
function staleLocalReads(observations: readonly Observation[]): string[] {
  const byKey = Map.groupBy(observations, ({ key }) => key);
  return [...byKey].flatMap(([key, ofKey]) => {
    const operations = operationsOf(ofKey);
    const reads = ofKey
      .flatMap(localRead)
      .sort((a, b) => a.operation.answeredAtMs! - b.operation.answeredAtMs!);
    const fits = (count: number) => {
      const some = reads.slice(0, count).map(({ operation }) => operation);
      return linearize([...operations, ...some]) !== undefined;
    };
    if (fits(reads.length)) return [];
    // The first, by their answers, with which it does not fit any more.
    let [fitting, broken] = [0, reads.length];
    while (broken - fitting > 1) {
      const middle = (fitting + broken) >> 1;
      if (fits(middle)) fitting = middle;
      else broken = middle;
    }
    return [`${key}: ${reads[broken - 1]!.text}, and was not`];
  });
}

function localRead(observation: Observation): { operation: Operation; text: string }[] {
  const { key, client, action, by, calledAtMs, answeredAtMs, answer } = observation;
  if (action !== 'local' || answer.type !== 'found') return [];
  const { value, version, staleForMs } = answer;
  const text = `${client} read ${value} (version ${version}, by ${by}), said to be at most ${staleForMs.toFixed(1)} ms old`;
  const read = { type: 'read', got: value } as const;
  const operation = {
    key,
    client,
    action: read,
    calledAtMs: calledAtMs - staleForMs,
    answeredAtMs,
  };
  return [{ operation, text }];
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

/** Versions are numbers in the order of writes: what strong reads and writes are told only grows. */
function versionsGoneBack(observations: readonly Observation[]): string[] {
  const told = observations.flatMap(({ key, client, action, calledAtMs, answeredAtMs, answer }) => {
    const version = 'version' in answer ? Number(answer.version) : Number.NaN;
    return action === 'local' || Number.isNaN(version)
      ? []
      : [{ key, client, calledAtMs, answeredAtMs, version }];
  });
  return [...Map.groupBy(told, ({ key }) => key).values()].flatMap((ofKey) => {
    const byCall = ofKey.toSorted((a, b) => a.calledAtMs - b.calledAtMs);
    const byAnswer = ofKey.toSorted((a, b) => a.answeredAtMs - b.answeredAtMs);
    let [answered, highest] = [0, 0];
    for (const { key, client, calledAtMs, version } of byCall) {
      for (; byAnswer[answered]!.answeredAtMs < calledAtMs; answered++) {
        highest = Math.max(highest, byAnswer[answered]!.version);
      }
      if (version < highest) return [`${key}: ${client} got version ${version} after ${highest}`];
    }
    return [];
  });
}

/** A watch tells of newer versions only, and never ends. */
function wrongWatches(histories: readonly ProcessHistory[]): string[] {
  return histories.flatMap(({ name, told, watchEnded }) => {
    if (watchEnded !== undefined) return [`the watch of ${name} ended: ${watchEnded}`];
    const last = new Map<string, number>();
    return told.flatMap(({ key, version }) => {
      const revision = Number.parseInt(version, 10);
      const before = last.get(key) ?? 0;
      last.set(key, Math.max(before, revision));
      return revision < before
        ? [`${key}: the watch of ${name} told of version ${revision} after ${before}`]
        : [];
    });
  });
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
