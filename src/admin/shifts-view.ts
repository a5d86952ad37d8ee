import type { Operation, Shift, ShiftEvent, ShiftPlan, ShiftState } from '../shifts/shift.ts';
import type { Subject } from '../steering/shifts/subject.ts';

/** Shifts of traffic as an operator handles them. */
export interface ShiftsView {
  /** Those in force, and the last of those that are over. The newest change first. */
  list(): Promise<readonly ShiftStatus[]>;
  /** @throws MeridianError with a `ShiftErrorCode`, or an error of the store */
  start(request: StartShift): Promise<StartedShift>;
  /** @throws as `start` */
  operate(request: OperateShift): Promise<Shift>;
  /** The newest first. */
  events(limit: number): Promise<readonly ShiftEvent[]>;
}

export interface StartShift {
  readonly plan: ShiftPlan;
  readonly author: string;
  readonly message: string;
}

export interface StartedShift {
  readonly shift: Shift;
  /** Record sets that lead nowhere else, and so keep a region's clients. */
  readonly leftBehind: readonly string[];
}

export interface OperateShift {
  readonly id: string;
  readonly operation: Operation;
  /** Of the shift when it was looked at; with another by now it is refused. */
  readonly turn?: number | undefined;
  readonly author: string;
  readonly message: string;
}

export interface ShiftStatus {
  readonly id: string;
  /** `route orders`. */
  readonly subject: string;
  readonly of: Subject;
  /** Of the weights that it was begun on (`Weights.basis`). */
  readonly basis: string;
  readonly to: string;
  readonly state: ShiftState;
  /** In percent, as of the steps. */
  readonly share: number;
  /**
   * Whether the weights of this node follow it. Not, where it is over, or where the node's
   * configuration has other weights than those that it was begun on.
   */
  readonly holds: boolean;
  readonly from: number;
  readonly configured: number;
  readonly steps: readonly number[];
  /** How many of them were taken. */
  readonly step: number;
  /** Rises with each change of the shift. */
  readonly turn: number;
  /** Why it is so. */
  readonly reason: string;
  /** What it waits for, as this node sees it. */
  readonly outlook?: string;
  /** ISO 8601. */
  readonly changedAt: string;
}
