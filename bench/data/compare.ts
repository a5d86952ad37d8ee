import type { Goal, Outcome } from '../http/case.ts';
import { alternate, ratios } from '../http/rounds.ts';
import { quantile, spreadOf, tailOf } from '../statistics.ts';
import { atOnce, type Operation, oneByOne } from './latency.ts';

export interface Subject {
  /** `meridian`, or of the peer. */
  readonly name: string;
  readonly on: readonly string[];
  /** As many connections as may be in use at once. */
  readonly operations: readonly Operation[];
}

export interface DataAmount {
  readonly rounds: number;
  /** Of each subject in each round, one after the other. */
  readonly operations: number;
  /** Of each subject in each round, many at once. */
  readonly seconds: number;
}

/** Median times of single operations of the first subject beside those of the others, and the 99th percentile. */
export async function compareTimes(
  [own, ...peers]: readonly [Subject, ...Subject[]],
  { rounds, operations }: DataAmount,
  goals: Readonly<Record<string, Pick<Goal, 'atMost'>>> = {},
): Promise<Outcome[]> {
  const subjects = [own, ...peers];
  const measure = (subject: Subject) => oneByOne(subject.operations[0]!, operations);
  for (const subject of subjects) await measure(subject); // until the code is compiled
  const [ours, ...theirs] = await alternate(subjects, rounds, measure);
  const medians = (of: readonly number[][]) => of.map((round) => quantile(round, 0.5));
  return peers.map((peer, at) => {
    const ratio = spreadOf(ratios(medians(ours!), medians(theirs[at]!)));
    const limit = goals[peer.name];
    const micros = { meridian: tailOf(ours!.flat()), peer: tailOf(theirs[at]!.flat()) };
    const ms = (tail: { median: number; p99: number }) =>
      `${(tail.median / 1_000).toFixed(2)} (p99 ${(tail.p99 / 1_000).toFixed(2)})`;
    return {
      peer: peer.name,
      compares: 'median time',
      ratio,
      goals: limit ? [{ what: 'ratio', unit: '', value: ratio, ...limit }] : [],
      rounds,
      figures: { microseconds: micros },
      summary: `${ms(micros.meridian)} / ${ms(micros.peer)} ms`,
      on: { meridian: own.on, peer: peer.on },
    };
  });
}

/** Operations per second with all connections in use. */
export async function compareRates(
  [own, ...peers]: readonly [Subject, ...Subject[]],
  { rounds, seconds }: DataAmount,
): Promise<Outcome[]> {
  const subjects = [own, ...peers];
  const measure = (subject: Subject) => atOnce(subject.operations, seconds);
  for (const subject of subjects) await measure(subject);
  const [ours, ...theirs] = await alternate(subjects, rounds, measure);
  return peers.map((peer, at) => {
    const perSecond = { meridian: spreadOf(ours!), peer: spreadOf(theirs[at]!) };
    return {
      peer: peer.name,
      compares: 'operations per second',
      ratio: spreadOf(ratios(ours!, theirs[at]!)),
      goals: [],
      rounds,
      figures: { perSecond },
      summary: `${perSecond.meridian.median.toFixed(0)} / ${perSecond.peer.median.toFixed(0)} per second`,
      on: { meridian: own.on, peer: peer.on },
    };
  });
}
