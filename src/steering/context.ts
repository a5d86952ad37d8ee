import { type Clock, systemClock } from '../base/clock.ts';
import type { Config } from '../config/schema/config.ts';
import type { Topology } from '../config/topology.ts';
import type { LocatedNetwork, Locator } from './geo/locator.ts';
import { ClientLatency, type MeasuredSource } from './latency/client-latency.ts';
import type { Estimate } from './latency/estimate.ts';
import { LatencyTable } from './latency/latency-table.ts';
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
  readonly latency: ClientLatency;
  /** Index of the region that is active for an exclusive set now; -1: none is known to be. */
  activeRegion?(set: number): number;
  /** `undefined`: weights are as they are configured. */
  readonly shifted?: ShiftedSteering | undefined;
  /** What is behind reported latencies, for explanations; absent where nobody asks. */
  readonly reported?: ReportedLatencies | undefined;
}

/** What the browsers of a client's network reported. */
export interface ReportedLatencies {
  /** `undefined`: nothing of that region. */
  find(address: Uint8Array, region: string): ReportedLatency | undefined;
}

export interface ReportedLatency extends Pick<Estimate, 'medianMs' | 'spreadMs' | 'reports'> {
  /** Of its reports on average, as they decay. */
  readonly ageMs: number;
  /** From 0 to 1. */
  readonly confidence: number;
}

export interface SteeringContextOptions {
  readonly config: Config;
  readonly topology: Topology;
  readonly states: RegionStates;
  /** Name of the region that this node belongs to. */
  readonly region: string;
  readonly locator: Locator;
  readonly clock?: Clock | undefined;
  /** Latencies that browsers measure. Default: none. */
  readonly measured?: MeasuredSource | undefined;
  readonly reported?: ReportedLatencies | undefined;
}

export function createSteeringContext(options: SteeringContextOptions): SteeringContext {
  const { config, topology, states, region, locator, measured, reported } = options;
  const { clock = systemClock } = options;
  const ownRegion = topology.regionIndex.get(region) ?? -1;
  return {
    topology,
    states,
    ownRegion,
    activeRegion: (set) => states.exclusive?.namedAt(set, ownRegion, clock.monotonicMs()) ?? -1,
    locate: (address) => locator.locate(address),
    latency: new ClientLatency(
      new LatencyTable(config.latency.table, topology),
      measured,
      topology,
    ),
    reported,
  };
}
