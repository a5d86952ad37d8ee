import { type Spread, spreadOf } from '../statistics.ts';
import type { Amount, Goal, Outcome } from './case.ts';
import type { LoadResult } from './load/load-result.ts';
import { alternate, ratios } from './rounds.ts';
import type { Subject } from './setup.ts';

/** Of one subject in one round. */
interface Sample {
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
}

/** Some seconds of load on one subject. */
export type Load = (subject: Subject, seconds: number) => Promise<LoadResult>;

export interface CpuComparison {
  /** Meridian first. */
  readonly subjects: readonly Subject[];
  readonly load: Load;
  /** For the ratio to nginx, or to itself. */
  readonly limit?: Pick<Goal, 'atMost' | 'atLeast'>;
}

/**
 * CPU time per request of the first subject beside each of the others: user and system, of
 * the whole process. One ratio per round.
 */
export async function compareCpu(
  { subjects, load, limit }: CpuComparison,
  { rounds, seconds }: Amount,
): Promise<Outcome[]> {
  for (const subject of subjects) await load(subject, 2); // until the code is compiled
  const samples = await alternate(subjects, rounds, async (subject): Promise<Sample> => {
    const before = subject.program.cpuMicroseconds;
    const { requests, perSecond } = await load(subject, seconds);
    return { cpuMicroseconds: (subject.program.cpuMicroseconds - before) / requests, perSecond };
  });
  const cpu = samples.map((of) => of.map(({ cpuMicroseconds }) => cpuMicroseconds));
  const rates = samples.map((of) => of.map(({ perSecond }) => perSecond));
  const [meridian] = subjects;
  return subjects.slice(1).map((peer, at): Outcome => {
    const ratio = spreadOf(ratios(cpu[0]!, cpu[at + 1]!));
    const cpuMicroseconds = { meridian: spreadOf(cpu[0]!), peer: spreadOf(cpu[at + 1]!) };
    const perSecond = { meridian: spreadOf(rates[0]!), peer: spreadOf(rates[at + 1]!) };
    const isTarget = peer.name !== 'haproxy';
    return {
      peer: peer.name === 'meridian' ? 'itself' : peer.name,
      compares: 'CPU time per request',
      ratio,
      goals: isTarget && limit ? [{ what: 'ratio', unit: '', value: ratio, ...limit }] : [],
      cpuMicroseconds,
      rounds,
      figures: { requestsPerSecond: perSecond },
      summary: `${pair(cpuMicroseconds, 1)} µs, ${pair(perSecond, 0)} requests/s`,
      on: { meridian: meridian!.on, peer: peer.on },
    };
  });
}

/** Meridian's median, then the peer's. */
export function pair(
  { meridian, peer }: { readonly meridian: Spread; readonly peer: Spread },
  digits: number,
): string {
  return `${meridian.median.toFixed(digits)} / ${peer.median.toFixed(digits)}`;
}
