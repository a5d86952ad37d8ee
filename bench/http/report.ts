import type { Spread } from '../statistics.ts';
import { type Goal, type Outcome, verdictOf } from './case.ts';

/** A case that could not be measured beside a peer. */
export interface LeftOut {
  readonly peer: string;
  readonly leftOut: string;
}

export type Result = Outcome | LeftOut;

/** Where the figures come from. */
export interface Surroundings {
  readonly machine: string;
  /** Name and version. */
  readonly peers: Readonly<Record<string, string>>;
}

export interface MeasuredIn extends Surroundings {
  /** Processors that were busy with what is not part of the case. */
  readonly otherWork: number;
}

/** Processors. */
const worthTelling = 0.1;

/** One object, one line. */
export function jsonLine(
  { name }: { readonly name: string },
  result: Result,
  { machine, peers, otherWork }: MeasuredIn,
): string {
  const { peer } = result;
  const head = { case: name, peer, ...(peers[peer] && { peerVersion: peers[peer] }) };
  if ('leftOut' in result) return JSON.stringify({ ...head, leftOut: result.leftOut, machine });
  const { figures, summary: _, ...rest } = result;
  const goals = result.goals.map((goal) => ({ ...goal, verdict: verdictOf(goal) }));
  return JSON.stringify({ ...head, ...rest, goals, ...figures, otherWork, machine });
}

const columns = { case: 14, peer: 9, ratio: 38, target: 18 } as const;

export const tableHead = [
  'case'.padEnd(columns.case),
  'peer'.padEnd(columns.peer),
  'ratio (q1–q3; min–max)'.padEnd(columns.ratio),
  'target'.padEnd(columns.target),
  'medians, Meridian / peer',
].join('');

export function tableRow(
  { name }: { readonly name: string },
  result: Result,
  { otherWork }: MeasuredIn,
): string {
  const head = name.padEnd(columns.case) + result.peer.padEnd(columns.peer);
  if ('leftOut' in result) return `${head}left out: ${result.leftOut}`;
  const { compares, ratio, summary } = result;
  const ofRatio = result.goals.find(({ what }) => what === 'ratio');
  const target = ofRatio ? targetText(ofRatio) : '';
  const disturbed =
    otherWork > worthTelling ? `; ${otherWork.toFixed(1)} processors with other work` : '';
  const rows = [
    `${head}${spreadText(ratio).padEnd(columns.ratio)}${target.padEnd(columns.target)}${summary} (ratio of ${compares})${disturbed}`,
    ...result.goals.filter((goal) => goal !== ofRatio).map(goalRow),
  ];
  return rows.join('\n');
}

/** Under the columns of ratio and target. */
function goalRow(goal: Goal): string {
  const value = `${spreadText(goal.value)} ${goal.unit}`.padEnd(columns.ratio);
  const indent = ' '.repeat(columns.case + columns.peer);
  return `${indent}${value}${targetText(goal).padEnd(columns.target)}${goal.what}`;
}

/** What was on at each side, case by case. */
export function describeSides(name: string, results: readonly Result[]): string[] {
  const measured = results.filter((result): result is Outcome => !('leftOut' in result));
  const [first] = measured;
  if (!first) return [];
  return [
    `${name}: meridian: ${first.on.meridian.join('; ')}`,
    ...measured.map(({ peer, on }) => {
      const side = peer === 'itself' ? 'the other' : peer;
      return `${' '.repeat(name.length)}  ${side}: ${on.peer.join('; ')}`;
    }),
  ];
}

function targetText(goal: Goal): string {
  const { atMost, atLeast, unit } = goal;
  const limit = atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`;
  return `${limit}${unit && ` ${unit}`} ${verdictOf(goal)}`;
}

function spreadText({ median, q1, q3, min, max }: Spread): string {
  const text = (value: number) => value.toFixed(value < 100 && !Number.isInteger(value) ? 2 : 0);
  if (min === max) return text(median);
  return `${text(median)} (${text(q1)}–${text(q3)}; ${text(min)}–${text(max)})`;
}
