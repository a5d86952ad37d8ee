import type { EndpointInfo } from '../config/topology.ts';
import type { Verdict } from './hysteresis.ts';
import type { StateName } from './table.ts';

/** A state with what people and programs want to know about it. */
export interface StateReport {
  readonly state: StateName;
  readonly reason: string;
  /** Wall time of the last change, milliseconds since 1970. */
  readonly sinceWallMs: number;
  /** Changes between healthy and unhealthy. */
  readonly flaps: number;
}

export interface RegionReport {
  readonly name: string;
  /** `undefined` for a witness. */
  readonly gateway: StateReport | undefined;
  readonly draining: boolean;
  /** Whether its vectors arrive; the own region is always fresh. */
  readonly fresh: boolean;
  /** Since its last vector; `undefined` for the own region and before the first. */
  readonly heardAgoMs: number | undefined;
}

export interface EndpointReport {
  readonly endpoint: EndpointInfo;
  /** What this node's probes say; `undefined` also where others probe. */
  readonly verdict: Verdict | undefined;
  readonly detail: string;
  readonly ejected: boolean;
}

export interface ServiceReport extends StateReport {
  readonly service: string;
  readonly region: string;
  readonly endpoints: readonly EndpointReport[];
}

/** Everything that this node believes about the health of all regions. */
export interface HealthReport {
  readonly regions: readonly RegionReport[];
  readonly services: readonly ServiceReport[];
  readonly rejectedFrames: number;
  /** Why the last one was rejected. */
  readonly lastRejection: string | undefined;
}
