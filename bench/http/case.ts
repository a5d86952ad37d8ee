import type { Spread } from '../statistics.ts';
import type { Cores } from './cores.ts';
import type { PeerName } from './tools.ts';

export const caseNames = [
  'plain',
  'features',
  'tls',
  'http2',
  'large-body',
  'routes-10k',
  'reload',
  'idle',
  'latency',
] as const;
export type CaseName = (typeof caseNames)[number];

/** How much of everything. */
export interface Amount {
  readonly rounds: number;
  /** Of load on each subject in each round. */
  readonly seconds: number;
  /** Less of what takes long; for trying the bench itself. */
  readonly quick: boolean;
  readonly cores: Cores;
  /** Those to measure against; they are on PATH. */
  readonly peers: readonly PeerName[];
}

/** A figure beside what it should be. */
export interface Goal {
  readonly what: string;
  readonly unit: '' | 'KiB';
  readonly value: Spread;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** The machine did too much else for the figure to decide it. */
  readonly disturbed?: boolean;
}

/** What was measured of one case beside one peer. */
export interface Outcome {
  /** A program, or `itself`. */
  readonly peer: string;
  /** What `ratio` compares, in words: Meridian's by the peer's. */
  readonly compares: string;
  /** Of each round. */
  readonly ratio: Spread;
  readonly goals: readonly Goal[];
  /** Per request. */
  readonly cpuMicroseconds?: { readonly meridian: Spread; readonly peer: Spread };
  readonly rounds: number;
  /** Further figures of the case, for `--json`. */
  readonly figures?: Readonly<Record<string, unknown>>;
  /** The most telling of them, for people. */
  readonly summary: string;
  /** What each side does for a request. */
  readonly on: { readonly meridian: readonly string[]; readonly peer: readonly string[] };
}

export interface HttpCase {
  readonly name: CaseName;
  /** Whether its peers are other programs; else it is measured against itself. */
  readonly besidePeers: boolean;
  /** @throws NotMeasurable */
  run(amount: Amount): Promise<readonly Outcome[]>;
}

/** The case cannot be measured here, or not yet; the message says why. */
export class NotMeasurable extends Error {
  override readonly name = 'NotMeasurable';
}

export type Verdict = 'met' | 'missed' | 'doubtful';

/**
 * Met when the median is; doubtful while the middle half of the rounds straddles the limit,
 * or when they were disturbed.
 */
export function verdictOf({ value, atMost, atLeast, disturbed = false }: Goal): Verdict {
  const meets = (figure: number) =>
    figure <= (atMost ?? Number.POSITIVE_INFINITY) &&
    figure >= (atLeast ?? Number.NEGATIVE_INFINITY);
  if (disturbed || meets(value.q1) !== meets(value.q3)) return 'doubtful';
  return meets(value.median) ? 'met' : 'missed';
}
