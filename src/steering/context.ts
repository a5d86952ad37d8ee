import { type Clock, systemClock } from '../base/clock.ts';
import type { Config } from '../config/schema/config.ts';
import type { Topology } from '../config/topology.ts';
import type { LocatedNetwork, Locator } from './geo/locator.ts';
import { LatencyTable } from './latency-table.ts';
import type { RegionStates } from './record-set.ts';
import type { ShiftedSteering } from './shifts/drain.ts';

/** What a choice may depend on besides the record set and the client. */
export interface SteeringContext {
  readonly topology: Topology;
  readonly states: RegionStates;
  /** Index of the region that this node belongs to. */
  readonly ownRegion: number;
  /** `undefined`: nothing is known about any address (no database). */
  locate(address: Uint8Array): LocatedNetwork | undefined;
  readonly latency: LatencyTable;
  /** Index of the region that is active for an exclusive set now; -1: none is known to be. */
  activeRegion?(set: number): number;
  /** `undefined`: weights are as they are configured. */
  readonly shifted?: ShiftedSteering | undefined;
}

export interface SteeringContextOptions {
  readonly config: Config;
  readonly topology: Topology;
  readonly states: RegionStates;
  /** Name of the region that this node belongs to. */
  readonly region: string;
  readonly locator: Locator;
  readonly clock?: Clock | undefined;
}

export function createSteeringContext(options: SteeringContextOptions): SteeringContext {
  const { config, topology, states, region, locator, clock = systemClock } = options;
  const ownRegion = topology.regionIndex.get(region) ?? -1;
  return {
    topology,
    states,
    ownRegion,
    activeRegion: (set) => states.exclusive?.namedAt(set, ownRegion, clock.monotonicMs()) ?? -1,
    locate: (address) => locator.locate(address),
    latency: new LatencyTable(config.latency, topology),
  };
}
