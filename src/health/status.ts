import type { Subject } from './plan.ts';
import type { StateName } from './table.ts';

/** What an event changed in the decisions of a node. */
export type HealthChange =
  | {
      readonly kind: 'state';
      readonly subject: Subject;
      readonly state: StateName;
      readonly previous: StateName;
      readonly reason: string;
    }
  | { readonly kind: 'draining'; readonly region: string; readonly draining: boolean }
  | {
      /** Of one node of a region that has several. */
      readonly kind: 'nodeDraining';
      readonly region: string;
      readonly node: string;
      readonly draining: boolean;
    };

export interface SubjectStatus {
  readonly subject: Subject;
  readonly state: StateName;
  /** For people. */
  readonly reason: string;
  /** Monotonic time of the last change; before the start for a state from disk. */
  readonly sinceMs: number;
  /** Changes between healthy and unhealthy. */
  readonly flaps: number;
}

export interface VantageStatus {
  readonly region: string;
  readonly draining: boolean;
  /** Those of its nodes that are, where it has several. */
  readonly drainingNodes: readonly string[];
  /** Monotonic time of its last vector; `undefined` for the own region and before the first. */
  readonly heardMs: number | undefined;
  readonly fresh: boolean;
}
