import type { ProcessState } from '../processes/stack-process.ts';

/**
 * The order of a rolling restart, node by node:
 *
 *   next ──others serve──▶ stopping ──ended──▶ starting ──fit──▶ next … ──none left──▶ done
 *    │ nobody else does       │ silent            │ ended, or not fit in time
 *    └────────────────────────┴───────────────────┴──▶ failed: all after it are left alone
 *
 * `stop` of nodes goes the same way without `starting`. Fit means: it is ready, and every
 * other node that answers sends it traffic; only then may the next one leave. Pure: what
 * is seen and the time go in, what to do comes out.
 */
export interface RollState {
  /** Ids of processes. */
  readonly nodes: readonly string[];
  readonly action: 'stop' | 'restart';
  /** Of the present node in `nodes`; beyond the last: done. */
  readonly index: number;
  readonly phase: 'next' | 'stopping' | 'starting';
  /** When the phase began. */
  readonly sinceMs: number;
  /** When the present node last answered. */
  readonly heardMs: number;
  /** When something was last told. */
  readonly toldMs: number;
}

/** The present node, as it is seen just now. */
export interface NodeSight {
  readonly process: ProcessState;
  /** How it last ended; undefined: it never did. */
  readonly ended: string | undefined;
  /** Whether its admin API answers. */
  readonly answers: boolean;
  /** Why it is not fit, a sentence; undefined: it is. */
  readonly lacks: string | undefined;
  /** Whether somebody else would serve; true too where nobody else ever does. */
  readonly othersServe: boolean;
}

/** What people are told on the way. */
export interface RollStep {
  readonly step: 'draining' | 'ended' | 'ready' | 'waiting' | 'failed';
  /** Id of the process. */
  readonly node: string;
  /** Counts from 1. */
  readonly position: number;
  readonly count: number;
  /** Since its phase began. */
  readonly elapsedMs: number;
  /** For `waiting`, for what; for `failed`, why. */
  readonly why?: string;
}

export type RollMove =
  | { readonly type: 'wait' | 'stop' | 'start' | 'done' }
  | { readonly type: 'fail'; readonly why: string };

export interface RollTurn {
  readonly state: RollState;
  readonly move: RollMove;
  readonly told: RollStep | undefined;
}

/** A node that becomes no fit member within this is broken: the next one must stay. */
export const fitWithinMs = 60_000;
/** A node that drains answers its admin API until it ends; one that is silent hangs. */
export const silentWithinMs = 30_000;
/** The longest drain that a configuration can ask for, and a minute. */
export const endedWithinMs = 3_660_000;
/** Whoever waits hears something at least so often. */
export const tellEveryMs = 5_000;

export function beginRoll(
  nodes: readonly string[],
  action: RollState['action'],
  nowMs: number,
): RollState {
  const times = { sinceMs: nowMs, heardMs: nowMs, toldMs: nowMs };
  return { nodes, action, index: 0, phase: 'next', ...times };
}

/** `sight` is of `state.nodes[state.index]`; call it until `done` or `fail`. */
export function turnRoll(state: RollState, sight: NodeSight, nowMs: number): RollTurn {
  const seen = sight.answers ? { ...state, heardMs: nowMs } : state;
  const turn = phases[state.phase](seen, sight, nowMs);
  return turn.told ? { ...turn, state: { ...turn.state, toldMs: nowMs } } : turn;
}

const phases = { next: leave, stopping: untilEnded, starting: untilFit } as const;

function leave(state: RollState, sight: NodeSight, nowMs: number): RollTurn {
  if (sight.process === 'stopped') return ended(state, nowMs, undefined);
  if (state.action === 'restart' && !sight.othersServe) {
    const why = 'no other node is ready: to stop it would leave nobody who serves';
    return failed(state, why, nowMs);
  }
  const stopping = enter(state, 'stopping', nowMs);
  return { state: stopping, move: { type: 'stop' }, told: told(state, 'draining', nowMs) };
}

function untilEnded(state: RollState, sight: NodeSight, nowMs: number): RollTurn {
  if (sight.process === 'stopped') return ended(state, nowMs, told(state, 'ended', nowMs));
  const elapsedMs = nowMs - state.sinceMs;
  const silentMs = nowMs - state.heardMs;
  if (silentMs > silentWithinMs || elapsedMs > endedWithinMs) {
    const how = silentMs > silentWithinMs ? `and is silent for ${seconds(silentMs)} s` : 'yet';
    const why = `asked to end (SIGTERM) ${seconds(elapsedMs)} s ago, it has not ended ${how}`;
    return failed(state, `${why}; \`meridian node kill\` ends it`, nowMs);
  }
  return waiting(state, 'it drains', nowMs);
}

function ended(state: RollState, nowMs: number, step: RollStep | undefined): RollTurn {
  if (state.action === 'stop') return following(state, nowMs, step);
  return { state: enter(state, 'starting', nowMs), move: { type: 'start' }, told: step };
}

function untilFit(state: RollState, sight: NodeSight, nowMs: number): RollTurn {
  if (sight.process === 'stopped') {
    return failed(state, `it ended (${sight.ended}) as it started`, nowMs);
  }
  const lacks = sight.process === 'frozen' ? 'it is frozen' : sight.lacks;
  if (lacks === undefined) return following(state, nowMs, told(state, 'ready', nowMs));
  const elapsedMs = nowMs - state.sinceMs;
  if (elapsedMs > fitWithinMs) {
    return failed(state, `${seconds(elapsedMs)} s after its start, ${lacks}`, nowMs);
  }
  return waiting(state, lacks, nowMs);
}

function following(state: RollState, nowMs: number, step: RollStep | undefined): RollTurn {
  const next = { ...enter(state, 'next', nowMs), index: state.index + 1 };
  const isDone = next.index === state.nodes.length;
  return { state: next, move: { type: isDone ? 'done' : 'wait' }, told: step };
}

function enter(state: RollState, phase: RollState['phase'], nowMs: number): RollState {
  return { ...state, phase, sinceMs: nowMs, heardMs: nowMs };
}

function waiting(state: RollState, why: string, nowMs: number): RollTurn {
  const isDue = nowMs - state.toldMs >= tellEveryMs;
  const step = isDue ? { ...told(state, 'waiting', nowMs), why } : undefined;
  return { state, move: { type: 'wait' }, told: step };
}

function failed(state: RollState, why: string, nowMs: number): RollTurn {
  return { state, move: { type: 'fail', why }, told: { ...told(state, 'failed', nowMs), why } };
}

function told(state: RollState, step: RollStep['step'], nowMs: number): RollStep {
  return {
    step,
    node: state.nodes[state.index]!,
    position: state.index + 1,
    count: state.nodes.length,
    elapsedMs: nowMs - state.sinceMs,
  };
}

function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}
