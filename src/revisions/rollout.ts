import { keyOf } from './acknowledgements.ts';
import { oneLine } from './fields.ts';
import { isSameRevision } from './head.ts';
import { type NodeReport, type ObservedReport, silentAfterMs } from './reports.ts';
import type { Acknowledgement, Head, Rollout, TrafficCount } from './revision.ts';

/** Below this, a share of failed requests says nothing. */
const fewestRequests = 20;
/** Longer than the blip of a node that reloads. */
export const unreadyLimitMs = 5_000;
/** What a node may take to come to run a revision, where the pause is shorter. */
const comeRoundMs = 30_000;

export type RolloutAction = 'advance' | 'finish' | 'rollBack';

export interface RolloutDecision {
  readonly action: 'wait' | RolloutAction;
  /** For people. */
  readonly reason: string;
}

/** All that one node knows when it decides. Times are by its own monotonic clock. */
export interface RolloutView {
  readonly head: Head;
  /** Names of the nodes of each region, by the configuration that is rolled out. */
  readonly nodes: ReadonlyMap<string, readonly string[]>;
  readonly acknowledgements: readonly Acknowledgement[];
  readonly reports: readonly ObservedReport[];
  /** Since it first saw the present wave begin. */
  readonly stageAgeMs: number;
  /** Since it saw, without a break, too few nodes ready in some reached wave (`tooFewReady`). */
  readonly unreadyForMs: number;
}

/**
 * What is to become of a rollout. Pure; every node runs it over the same facts.
 *
 *   a node of a reached wave refused ─────────────────────────────┐
 *   error share of a wave above its bound (≥ 20 requests) ────────┤
 *   ready share of a wave below its bound for more than 5 s ──────┼─▶ roll back
 *   not all run it after the pause, and after at least 30 s ──────┘
 *   pause over, enough of every reached wave ready and running it ──▶ next wave, or done
 *   else ───────────────────────────────────────────────────────────▶ wait
 */
export function decideRollout(view: RolloutView): RolloutDecision {
  const { rollout } = view.head;
  if (rollout?.state !== 'running') return { action: 'wait', reason: 'no rollout is under way' };
  const waves = reachedWaves(view, rollout);
  const broken =
    refusalIn(view, waves) ??
    errorsIn(waves, rollout) ??
    unreadyIn(view, waves, rollout) ??
    lateIn(view, waves, rollout);
  if (broken !== undefined) return { action: 'rollBack', reason: broken };
  const late = waves.find(({ running, nodes }) => shareOf(running, nodes) < readyBound(rollout));
  if (late) return { action: 'wait', reason: `${progressOf(late)} run it` };
  if (view.stageAgeMs < rollout.pauseMs) {
    const remaining = Math.ceil((rollout.pauseMs - view.stageAgeMs) / 1_000);
    return { action: 'wait', reason: `wave ${rollout.reached} holds; ${remaining} s to go` };
  }
  const { length } = rollout.waves;
  if (rollout.reached === length) {
    return { action: 'finish', reason: `all ${length} waves run it within their bounds` };
  }
  const held = `wave ${rollout.reached} of ${length} held for its pause`;
  return { action: 'advance', reason: `${held}: wave ${rollout.reached + 1} has begun` };
}

/** Whether fewer nodes of a reached wave are ready than its bound asks for, whatever they run. */
export function tooFewReady(view: Omit<RolloutView, 'unreadyForMs'>): boolean {
  const { rollout } = view.head;
  if (rollout?.state !== 'running') return false;
  const waves = reachedWaves(view, rollout);
  return waves.some(({ ready, nodes }) => shareOf(ready, nodes) < readyBound(rollout));
}

/** The rollout after a decision. */
export function rolloutAfter(
  { rollout }: Head,
  action: RolloutAction,
  reason: string,
  baseline: Readonly<Record<string, TrafficCount>>,
): Rollout | undefined {
  if (!rollout) return undefined;
  const text = oneLine(reason, 1_000);
  if (action === 'advance') {
    return { ...rollout, reached: rollout.reached + 1, reason: text, baseline };
  }
  return { ...rollout, state: action === 'finish' ? 'done' : 'rolledBack', reason: text };
}

/** What nodes had answered at this moment. */
export function baselineOf(reports: readonly NodeReport[]): Readonly<Record<string, TrafficCount>> {
  return Object.fromEntries(reports.map((report) => [keyOf(report), report.traffic]));
}

/** A wave as the reports show it. */
interface WaveCount {
  /** From 1. */
  readonly number: number;
  readonly keys: ReadonlySet<string>;
  readonly nodes: number;
  readonly ready: number;
  /** Ready, and with the new revision. */
  readonly running: number;
  /** Since the present wave began. */
  readonly requests: number;
  readonly failed: number;
}

type Facts = Pick<RolloutView, 'head' | 'nodes' | 'acknowledgements' | 'reports'>;

function reachedWaves(facts: Facts, rollout: Rollout): WaveCount[] {
  const reports = new Map(facts.reports.map((report) => [keyOf(report), report]));
  const acknowledged = new Set(
    facts.acknowledgements
      .filter(({ running }) => isSameRevision(running, facts.head.current))
      .map(keyOf),
  );
  return rollout.waves.slice(0, rollout.reached).map((wave, index) => {
    const keys = wave.flatMap((region) =>
      (facts.nodes.get(region) ?? []).map((node) => keyOf({ region, node })),
    );
    const spoken = keys.map((key) => reports.get(key)).filter((report) => report !== undefined);
    const ready = spoken.filter((report) => report.ready && report.silentForMs <= silentAfterMs);
    const running = ready.filter(
      (report) =>
        isSameRevision(report.revision, facts.head.current) || acknowledged.has(keyOf(report)),
    );
    const counts = spoken.map((report) => since(rollout.baseline[keyOf(report)], report.traffic));
    return {
      number: index + 1,
      keys: new Set(keys),
      nodes: keys.length,
      ready: ready.length,
      running: running.length,
      requests: counts.reduce((sum, { requests }) => sum + requests, 0),
      failed: counts.reduce((sum, { failed }) => sum + failed, 0),
    };
  });
}

/**
 * What a node answered since the baseline. One that started anew meanwhile counts from 0
 * again; of one that the baseline does not have, nobody knows what came before.
 */
function since(baseline: TrafficCount | undefined, { requests, failed, startedAt }: TrafficCount) {
  if (!baseline) return { requests: 0, failed: 0 };
  if (baseline.startedAt !== startedAt) return { requests, failed };
  return {
    requests: Math.max(0, requests - baseline.requests),
    failed: Math.max(0, failed - baseline.failed),
  };
}

function refusalIn({ head, acknowledgements }: RolloutView, waves: readonly WaveCount[]) {
  const refusing = acknowledgements.find(
    (ack) =>
      isSameRevision(ack.refused, head.current) &&
      !isSameRevision(ack.running, head.current) &&
      waves.some(({ keys }) => keys.has(keyOf(ack))),
  );
  if (!refusing?.refused) return undefined;
  return `${placeOf(refusing)} cannot build it: ${oneLine(refusing.refused.reason, 500)}`;
}

function errorsIn(waves: readonly WaveCount[], { bounds }: Rollout): string | undefined {
  const failing = waves.find(
    ({ requests, failed }) => requests >= fewestRequests && failed / requests > bounds.errorShare,
  );
  if (!failing) return undefined;
  const { number, failed, requests } = failing;
  const share = `${failed} of ${requests} answers of wave ${number} were errors`;
  return `${share}, more than the share of ${bounds.errorShare}`;
}

function unreadyIn(view: RolloutView, waves: readonly WaveCount[], rollout: Rollout) {
  const unready = waves.find(({ ready, nodes }) => shareOf(ready, nodes) < readyBound(rollout));
  if (!unready || view.unreadyForMs <= unreadyLimitMs) return undefined;
  const { number, ready, nodes } = unready;
  const seconds = Math.floor(view.unreadyForMs / 1_000);
  return `only ${ready} of ${nodes} nodes of wave ${number} are ready, for ${seconds} s`;
}

function lateIn(view: RolloutView, waves: readonly WaveCount[], rollout: Rollout) {
  const limitMs = Math.max(rollout.pauseMs, comeRoundMs);
  if (view.stageAgeMs <= limitMs) return undefined;
  const late = waves.find(({ running, nodes }) => shareOf(running, nodes) < readyBound(rollout));
  return late && `only ${progressOf(late)} run it after ${Math.floor(limitMs / 1_000)} s`;
}

function progressOf({ number, running, nodes }: WaveCount): string {
  return `${running} of ${nodes} nodes of wave ${number}`;
}

function readyBound({ bounds }: Rollout): number {
  return bounds.readyShare;
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

function placeOf({ region, node }: Acknowledgement): string {
  return region === node ? region : `${node} of ${region}`;
}
