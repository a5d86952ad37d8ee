import type { Location } from '../config/schema/region.ts';
import type { StateCode } from '../health/table.ts';
import type { AreaIndex } from './tiers/area-index.ts';
import type { NetworkIndex } from './tiers/network-index.ts';

/** The live part of what steering reads. `HealthTable` is one. */
export interface RegionStates {
  gateway(region: number): StateCode;
  service(service: number, region: number): StateCode;
  draining(region: number): boolean;
  /** Of one published address, by its index in the topology. */
  address(index: number): StateCode;
  addressDraining(index: number): boolean;
  /** True unless a routing control switched the region off. */
  controlOn(region: number): boolean;
}

export type RoutingPolicyName =
  | 'simple'
  | 'weighted'
  | 'failover'
  | 'latency'
  | 'multivalue'
  | 'geolocation'
  | 'geoproximity'
  | 'cidr';

/** One thing that a record set may answer with. */
export interface SteeredAnswer {
  /** Region index, or -1: not tied to a region, hence always healthy. */
  readonly region: number;
  /** 0–255; read by `weighted` only. */
  readonly weight: number;
  /** Read by `failover` only. */
  readonly role: 'primary' | 'secondary' | undefined;
  /** Read by `geoproximity` only. Default: that of the region. */
  readonly location?: Location;
  /** Read by `geoproximity` only: -99 (repels clients) to 99 (attracts them). Default: 0. */
  readonly bias?: number;
  /**
   * Where the answer is the addresses of a region that publishes several: the index of each
   * in the topology, in the order of the record data. Only those that are fit are given.
   */
  readonly addresses?: readonly number[];
}

/** What steering needs of a record set; the record data stay with the zone. */
export interface SteeredSet {
  readonly routing: RoutingPolicyName;
  readonly evaluate: 'service' | 'gateway' | 'none';
  /** Service index whose state and residency count, or -1: none. */
  readonly service: number;
  readonly lastResort: 'open' | 'closed';
  readonly answers: readonly SteeredAnswer[];
  /** Of `geolocation`: which answers are for clients in which area. */
  readonly areas?: AreaIndex;
  /** Of `cidr`: which answers are for clients in which network. */
  readonly networks?: NetworkIndex;
}

/** Who asks: the client subnet of the query (RFC 7871), or else its source address. */
export interface ClientNetwork {
  /** 4 or 16 bytes, network byte order; the bits after `prefixBits` are 0 or ignored. */
  readonly address: Uint8Array;
  /** How much of `address` the asker gave: 0–32 or 0–128. */
  readonly prefixBits: number;
}

/** What to answer. */
export interface Choice {
  /** Indices into `SteeredSet.answers`, in the order to give. Empty: NODATA. */
  readonly answers: readonly number[];
  /**
   * Side by side with `answers`: which of its addresses to give, as positions in
   * `SteeredAnswer.addresses`, in the order to give; `undefined`: all data of the answer.
   */
  readonly addresses?: readonly (readonly number[] | undefined)[];
  /**
   * Length of the client prefix that the choice depended on: every address in that
   * prefix of the client's address gets the same. 0: the same for all clients.
   * May exceed the `prefixBits` given, as RFC 7871 section 7.2.1 allows.
   */
  readonly scopeBits: number;
  /** One sentence: the rule that decided. */
  readonly rule: string;
}
