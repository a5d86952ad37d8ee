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
  /** Of a check by name, by its index in the topology. */
  check(index: number): StateCode;
  /** True unless a routing control switched the region off. */
  controlOn(region: number): boolean;
  /** Who is active of what may be so in one region only. */
  readonly exclusive?: {
    namedAt(set: number, ownRegion: number, nowMs: number): number;
  };
}

export type RoutingPolicyName =
  | 'simple'
  | 'weighted'
  | 'failover'
  | 'latency'
  | 'multivalue'
  | 'geolocation'
  | 'geoproximity'
  | 'cidr'
  | 'exclusive';

/** One thing that a record set may answer with. */
export interface SteeredAnswer {
  /** Region index, or -1: not tied to a region, hence healthy unless its check is not. */
  readonly region: number;
  /** Index of a check by name that must be healthy besides. */
  readonly check?: number;
  /** 0–255; read by `weighted` only. */
  readonly weight: number;
  /** Read by `failover` only. */
  readonly role: 'primary' | 'secondary' | undefined;
  /** Read by `geoproximity` only. Default: that of the region. */
  readonly location?: Location;
  /** Read by `geoproximity` only: -99 (repels clients) to 99 (attracts them). Default: 0. */
  readonly bias?: number;
  /** The answer comes from another record set; `region` is then -1. */
  readonly branch?: Branch;
  /** Read by `stickyBy`: tells the answers of a set apart, whatever their order. Default: `region`. */
  readonly seed?: number;
  /**
   * Where the answer is the addresses of a region that publishes several: the index of each
   * in the topology, in the order of the record data. Only those that are fit are given.
   */
  readonly addresses?: readonly number[];
}

/** Another record set of the same zone and type. Branches never lead back to their set. */
export interface Branch {
  /** Name of the record set, for people. */
  readonly name: string;
  /** `undefined`: it is a plain one, hence always healthy. */
  readonly set: SteeredSet | undefined;
  /** Whether the branch is as fit as what it would answer with; else it is always healthy. */
  readonly evaluate: boolean;
}

/** What steering needs of a record set; the record data stay with the zone. */
export interface SteeredSet {
  readonly routing: RoutingPolicyName;
  readonly evaluate: 'service' | 'gateway' | 'none';
  /** Service index whose state and residency count, or -1: none. */
  readonly service: number;
  /** With no healthy answer: all as if healthy, nothing, or data that are configured for it. */
  readonly lastResort: 'open' | 'closed' | 'fixed';
  /**
   * The share, of weight for `weighted` and else of answers, that must not be unhealthy
   * (0–1). With less the set counts as unhealthy, and the last resort holds.
   */
  readonly minimumHealthyShare?: number;
  /** Of `weighted`: the same answer for all of a client's network, while it is healthy. */
  readonly stickyBy?: 'network';
  readonly answers: readonly SteeredAnswer[];
  /** Of `geolocation`: which answers are for clients in which area. */
  readonly areas?: AreaIndex;
  /** Of `cidr`: which answers are for clients in which network. */
  readonly networks?: NetworkIndex;
  /** Of `exclusive`: index of the exclusive set whose active region answers. */
  readonly exclusive?: number;
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
  /** Indices into `SteeredSet.answers`, in the order to give. Empty: NODATA, unless `fixed`. */
  readonly answers: readonly number[];
  /**
   * Side by side with `answers`: which of its addresses to give, as positions in
   * `SteeredAnswer.addresses`, in the order to give; `undefined`: all data of the answer.
   */
  readonly addresses?: readonly (readonly number[] | undefined)[];
  /** Side by side with `answers`: what their branches chose; `undefined`: no steered branch. */
  readonly branches?: readonly (Choice | undefined)[];
  /** The data of the last resort are the answer; `answers` is then empty. */
  readonly fixed?: true;
  /**
   * Length of the client prefix that the choice depended on: every address in that
   * prefix of the client's address gets the same. 0: the same for all clients.
   * May exceed the `prefixBits` given, as RFC 7871 section 7.2.1 allows.
   */
  readonly scopeBits: number;
  /** One sentence: the rule that decided. */
  readonly rule: string;
}
