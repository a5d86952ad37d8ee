import type { AppliedShift } from '../steering/shifts/applied.ts';
import type { Subject } from '../steering/shifts/subject.ts';
import type { CountsByNode, Sides } from './counts.ts';

/**
 *   scheduled ──its time came──▶ running ──last step held──▶ done
 *       │                        │    ▲                       │
 *       │     guard, or operator ▼    │ resume                │
 *       │                        paused                       │
 *       └──── abort ─────────────┴────────────── abort ───────┤
 *                  aborted ◀───────────────────────────────────┘
 *   any ──a revision changed the weights──▶ superseded
 *
 * `done` and `aborted` stay in force: the weights are those of the last step, or of the start.
 */
export const shiftStates = [
  'scheduled',
  'running',
  'paused',
  'done',
  'aborted',
  'superseded',
] as const;
export type ShiftState = (typeof shiftStates)[number];

/** When a step is not to be followed by the next. */
export interface Guard {
  /** How much higher than in the comparison the share of failed requests may be: 0 to 1. */
  readonly errorShare: number;
  /** How many times that of the comparison the duration of 95 % of requests may be; from 1. */
  readonly latencyFactor: number;
  /** Fewer requests than this say nothing, and the step is held until there are as many. */
  readonly minimumRequests: number;
  readonly onBreach: 'pause' | 'abort';
}

/** What an operator asks for. */
export interface ShiftPlan {
  readonly subject: Subject;
  /** Whose share is set: a service, an answer; of a region its own name. */
  readonly to: string;
  /**
   * Shares in percent, one after the other, all rising or all falling. Of a region: how much of
   * its clients it keeps.
   */
  readonly steps: readonly number[];
  /** How long each step is held at least; `undefined`: until an operator goes on. */
  readonly everyMs: number | undefined;
  /** How long is looked on before the first step, to know how it was before. */
  readonly observeMs: number;
  /** ISO 8601; `undefined`: at once. By the clocks of the nodes. */
  readonly startAt: string | undefined;
  /** `undefined`: nothing is looked at. */
  readonly guard: Guard | undefined;
}

export interface Shift extends ShiftPlan {
  readonly id: string;
  /** `Weights.basis` of the configuration that it was begun on. */
  readonly basis: string;
  /** The share that is configured, in percent. */
  readonly configured: number;
  /** The share that it began with, in percent: that, or the one of a shift before. */
  readonly from: number;
  /** How many steps were taken. */
  readonly step: number;
  readonly state: ShiftState;
  /** Why it is so, for people. */
  readonly reason: string;
  readonly author: string;
  readonly message: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly changedAt: string;
  /** Rises with each change of this shift. */
  readonly turn: number;
  /** What nodes had counted when the present step began. */
  readonly baseline: CountsByNode;
  /** What was counted before the first step. */
  readonly before: Sides | undefined;
}

/** One change of shifts, for the record. */
export interface ShiftEvent {
  /** That of the document that it made. */
  readonly sequence: number;
  /** ISO 8601. */
  readonly at: string;
  /** Who: an operator, or a node that found it due. */
  readonly by: string;
  readonly action: string;
  readonly id: string;
  readonly subject: string;
  readonly to: string;
  /** Share in percent after it. */
  readonly share: number;
  readonly state: ShiftState;
  readonly reason: string;
  /** SHA-256 of the event before, so that none can be changed or left out in silence; '' for the first. */
  readonly previous: string;
  /** Names the request, so that it can be found again. */
  readonly change: string;
}

/** What an operator may tell a shift to do. */
export type Operation = 'pause' | 'resume' | 'advance' | 'abort' | 'finish';

/**
 * Operations that move traffic onwards are for the shift as it was seen: what another operator,
 * a guard or a controller made of it meanwhile may be a reason against them. The others hold or
 * go back, and are right whatever it has become.
 */
export function goesOn(operation: Operation): boolean {
  return operation === 'advance' || operation === 'resume' || operation === 'finish';
}

/** All shifts of a deployment: one value, one compare-and-set for each change. */
export interface ShiftDocument {
  readonly version: 1;
  /** Rises with each change, over every loss of the store. */
  readonly sequence: number;
  readonly shifts: readonly Shift[];
  /** The change that made it. Those before lie beside it. */
  readonly event: ShiftEvent;
}

/** The share that is to hold, in percent. */
export function shareOfShift({ step, steps, from }: Shift): number {
  return step === 0 ? from : steps[step - 1]!;
}

/** Whether it goes on by itself or waits to. */
export function isActive({ state }: Shift): boolean {
  return state === 'scheduled' || state === 'running' || state === 'paused';
}

/** Whether it holds a share; one that is over and back at what is configured holds none. */
export function isInForce(shift: Shift): boolean {
  if (isActive(shift)) return true;
  return shift.state !== 'superseded' && shareOfShift(shift) !== shift.configured;
}

/** What threads need of them. */
export function appliedShifts(document: ShiftDocument | undefined): AppliedShift[] {
  return (document?.shifts ?? []).filter(isInForce).map((shift) => {
    const { subject, to, basis } = shift;
    return { subject, to, basis, share: shareOfShift(shift) / 100 };
  });
}

/** Whether the share of the target grows. */
export function isRising({ from, steps }: Pick<Shift, 'from' | 'steps'>): boolean {
  return (steps.at(-1) ?? from) > from;
}
