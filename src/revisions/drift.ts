import { keyOf } from './acknowledgements.ts';
import { oneLine } from './fields.ts';
import { isSameRevision, refOf } from './head.ts';
import { type ObservedReport, silentAfterMs } from './reports.ts';
import {
  type Acknowledgement,
  desiredRevision,
  type Head,
  type RevisionInfo,
  type RevisionRef,
} from './revision.ts';

/**
 *   current      runs what its region is to run, and that is the newest
 *   waiting      runs what its region is to run; the rollout has not reached it
 *   behind       runs something else, and nothing says why: it may be about to change
 *   refused      runs something else, because it could not build what it is to run
 *   unreachable  has not reported for so long that what it runs is not known
 *   localEdit    current, but its configuration file says what was never applied
 */
export type DriftState = 'current' | 'waiting' | 'behind' | 'refused' | 'unreachable' | 'localEdit';

export interface DriftRow {
  readonly region: string;
  readonly node: string;
  readonly state: DriftState;
  /** What it last said that it serves; sequence 0: a file. `undefined`: it never said. */
  readonly running: RevisionRef | undefined;
  readonly desired: RevisionRef;
  /**
   * How long this may have been so, at most, as clocks of different nodes tell it;
   * `undefined` where nobody knows, and 0 for `current`.
   */
  readonly forMs: number | undefined;
  /** For people. */
  readonly reason: string;
}

export interface DriftView {
  readonly head: Head;
  /** Names of the nodes of each region, by configuration. */
  readonly nodes: ReadonlyMap<string, readonly string[]>;
  readonly acknowledgements: readonly Acknowledgement[];
  readonly reports: readonly ObservedReport[];
  /** Hashes of the history: a file that says what was applied once is old, not edited. */
  readonly appliedHashes?: ReadonlySet<string> | undefined;
  /** Wall clock. */
  readonly nowMs: number;
}

/** The nodes that are not `current`, sorted by region and node: empty when all is well. */
export function driftOf(view: DriftView): readonly DriftRow[] {
  return compareNodes(view).filter(({ state }) => state !== 'current');
}

/** Every node of the configuration against what its region is to run, sorted. */
export function compareNodes(view: DriftView): readonly DriftRow[] {
  const acknowledgements = new Map(view.acknowledgements.map((ack) => [keyOf(ack), ack]));
  const reports = new Map(view.reports.map((report) => [keyOf(report), report]));
  const names = [...view.nodes].flatMap(([region, nodes]) =>
    nodes.map((node) => ({ region, node })),
  );
  names.sort((a, b) => compare(a.region, b.region) || compare(a.node, b.node));
  return names.map((name) =>
    rowOf(view, name, acknowledgements.get(keyOf(name)), reports.get(keyOf(name))),
  );
}

function rowOf(
  view: DriftView,
  { region, node }: { readonly region: string; readonly node: string },
  ack: Acknowledgement | undefined,
  report: ObservedReport | undefined,
): DriftRow {
  const desired = desiredRevision(view.head, region);
  const running = runningOf(ack, report);
  const found = stateOf(view, desired, running, ack, report);
  return { region, node, running: running && refOf(running), desired: refOf(desired), ...found };
}

type Found = Pick<DriftRow, 'state' | 'forMs' | 'reason'>;

function stateOf(
  view: DriftView,
  desired: RevisionInfo,
  running: RevisionRef | undefined,
  ack: Acknowledgement | undefined,
  report: ObservedReport | undefined,
): Found {
  const { head, nowMs } = view;
  if (!report) return { state: 'unreachable', forMs: undefined, reason: 'it has never reported' };
  if (report.silentForMs > silentAfterMs) {
    const forMs = report.silentForMs;
    return { state: 'unreachable', forMs, reason: `it has not reported for ${spanOf(forMs)}` };
  }
  const onIt = isSameRevision(running, desired);
  if (!onIt && ack?.refused && isSameRevision(ack.refused, desired)) {
    const reason = `it cannot build revision ${desired.sequence}: ${oneLine(ack.refused.reason, 500)}`;
    return { state: 'refused', forMs: since(ack.at, nowMs), reason };
  }
  if (!onIt) {
    const reason = `it runs ${nameOf(running)}, and is to run revision ${desired.sequence}`;
    return { state: 'behind', forMs: since(head.current.appliedAt, nowMs), reason };
  }
  const edited = editOf(view, desired, ack, report);
  if (edited !== undefined) return { state: 'localEdit', forMs: undefined, reason: edited };
  if (head.rollout?.state === 'running' && !isSameRevision(desired, head.current)) {
    const { reached, waves } = head.rollout;
    const reason = `wave ${reached} of ${waves.length} is under way, and it is in a later one`;
    return { state: 'waiting', forMs: since(head.current.appliedAt, nowMs), reason };
  }
  return { state: 'current', forMs: 0, reason: `it runs revision ${desired.sequence}` };
}

/** What the node said last: both are told by its own clock. */
function runningOf(
  ack: Acknowledgement | undefined,
  report: ObservedReport | undefined,
): RevisionRef | undefined {
  if (!ack || !report) return ack?.running ?? report?.revision;
  return Date.parse(ack.at) >= Date.parse(report.reportedAt) ? ack.running : report.revision;
}

function editOf(
  { appliedHashes }: DriftView,
  desired: RevisionInfo,
  ack: Acknowledgement | undefined,
  report: ObservedReport,
): string | undefined {
  const file = report.localFile ?? ack?.localFile;
  if (!file || file.hash === desired.hash || appliedHashes?.has(file.hash)) return undefined;
  return `its file ${oneLine(file.path, 500)} says what was never applied`;
}

function since(time: string, nowMs: number): number {
  return Math.max(0, nowMs - Date.parse(time));
}

function nameOf(running: RevisionRef | undefined): string {
  if (!running) return 'what nobody knows';
  return running.sequence === 0 ? 'a file' : `revision ${running.sequence}`;
}

function spanOf(ms: number): string {
  return `${Math.floor(ms / 1_000)} s`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
