import { quantile } from '../statistics.ts';
import type { FaultName, Round } from './round.ts';

/** Of all rounds of one fault, milliseconds from the fault. */
interface Distribution {
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

type Stage = 'failedProbe' | 'decided' | 'switched' | 'unstalled' | 'lookedUp' | 'lastFailure';

const stages: Readonly<Record<Stage, string>> = {
  failedProbe: 'first failed probe',
  decided: 'every survivor decided by quorum',
  switched: 'every name server switched',
  unstalled: 'the same with a processor at once',
  lookedUp: 'fresh look-ups switched',
  lastFailure: 'last failed request',
};

const titles: Readonly<Record<FaultName, string>> = {
  blackHole: 'black hole: all packets to the region vanish, and none come from it',
  stop: 'processes of the region stopped (SIGSTOP); their kernel still accepts connections',
  kill: 'processes of the region killed (SIGKILL)',
};

/** Of `switched`. */
const targetsMs: Readonly<Record<FaultName, { median: number; p99: number }>> = {
  blackHole: { median: 3_500, p99: 5_000 },
  stop: { median: 3_500, p99: 5_000 },
  kill: { median: 2_500, p99: 4_000 },
};

const width = { stage: 36, figure: 9 } as const;

/** One object, one line. */
export function jsonLine(fault: FaultName, rounds: readonly Round[], machine: string): string {
  const distributions = Object.fromEntries(
    stageNames().map((stage) => [stage, distributionOf(rounds, stage)]),
  );
  const { median, p99 } = distributionOf(rounds, 'switched');
  const target = targetsMs[fault];
  const goals = [
    { what: 'switched, median', value: median, atMost: target.median, unit: 'ms' },
    { what: 'switched, p99', value: p99, atMost: target.p99, unit: 'ms' },
  ].map((goal) => ({ ...goal, verdict: goal.value <= goal.atMost ? 'met' : 'missed' }));
  return JSON.stringify({ case: fault, rounds: rounds.length, ...distributions, goals, machine });
}

export function describe(fault: FaultName, rounds: readonly Round[]): string {
  const target = targetsMs[fault];
  const failed = rounds.reduce((sum, { failedRequests }) => sum + failedRequests, 0);
  const requests = rounds.reduce((sum, one) => sum + one.requests, 0);
  const head = ['min', 'median', 'p99', 'max'].map((name) => name.padStart(width.figure)).join('');
  return [
    `${titles[fault]}; ${rounds.length} times`,
    `${'ms from the fault to'.padEnd(width.stage)}${head}  target (median, p99)`,
    ...stageNames().map((stage) => {
      const { min, median, p99, max } = distributionOf(rounds, stage);
      const figures = [min, median, p99, max].map((ms) => ms.toFixed(0).padStart(width.figure));
      const met = median <= target.median && p99 <= target.p99 ? 'met' : 'missed';
      const goal = stage === 'switched' ? `  ≤ ${target.median}, ≤ ${target.p99}: ${met}` : '';
      return `${stages[stage].padEnd(width.stage)}${figures.join('')}${goal}`;
    }),
    `${failed} of ${requests} requests after the fault failed`,
    '',
  ].join('\n');
}

const stageNames = (): Stage[] => Object.keys(stages) as Stage[];

function distributionOf(rounds: readonly Round[], stage: Stage): Distribution {
  const values = rounds.map((round) => round[stage]);
  const at = (q: number) => Math.round(quantile(values, q));
  return { min: at(0), median: at(0.5), p99: at(0.99), max: at(1) };
}
