import type { EndpointInfo } from '../config/topology.ts';
import { type StateCode, unhealthy } from '../health/table.ts';
import type { ProblemCode } from './problems.ts';
import type { Backend } from './snapshot.ts';
import type { RelayNode } from './upstream/relay-nodes.ts';
import type { Ejections, RoundRobin } from './upstream/round-robin.ts';

/** The state that the choice reads, for the service of one route in the own region. */
export interface ChoiceView {
  readonly ownRegion: number;
  readonly ejections: Ejections;
  /** State of the route's service in the own region. */
  readonly ownState: StateCode;
  readonly balancer: RoundRobin;
  /** Regions that may be relayed to, best first. */
  readonly relays: readonly number[];
}

/** What a request has tried so far. */
export interface Tried {
  readonly endpoints: readonly number[];
  readonly regions: readonly number[];
  /** The request was itself relayed here: it never leaves again. */
  readonly relayed: boolean;
}

/** At most this many of the own endpoints, then as many regions, then the last resort. */
export const maximumTries = 2;

export interface EndpointTarget {
  readonly kind: 'endpoint';
  readonly endpoint: EndpointInfo;
  readonly lastResort: boolean;
}

export interface RelayTarget {
  readonly kind: 'relay';
  readonly region: number;
  readonly to: RelayNode;
  /** Another node of the region was tried before. */
  readonly second: boolean;
}

/** Where an attempt goes. */
export type Target = EndpointTarget | RelayTarget;

export type Choice =
  | EndpointTarget
  | { readonly kind: 'relay'; readonly region: number }
  | { readonly kind: 'none'; readonly code: ProblemCode };

/**
 * The next place to send a request to: the table "From state to answer" for a request
 * that reached this region.
 *
 *   own region allowed, service not unhealthy here,  ──▶ an endpoint, by weight
 *   an endpoint not ejected                                │ tried, or none
 *   another region allowed and usable                ◀─────┘
 *     │ yes ──▶ relay, the best not yet tried              │ tried, or none
 *   own region allowed, no endpoint tried yet        ◀─────┘
 *     │ yes ──▶ one endpoint whatever its state: the last resort
 *     └ no  ──▶ 503, with its own code where residency left regions out
 */
export function choose(backend: Backend, view: ChoiceView, tried: Tried): Choice {
  const ownAllowed = backend.allowed[view.ownRegion]!;
  if (ownAllowed && view.ownState !== unhealthy && tried.endpoints.length < maximumTries) {
    const endpoint = view.balancer.next(view.ejections, tried.endpoints, false);
    if (endpoint) return { kind: 'endpoint', endpoint, lastResort: false };
  }
  if (!tried.relayed && tried.regions.length < maximumTries) {
    for (const region of view.relays) {
      if (!tried.regions.includes(region)) return { kind: 'relay', region };
    }
  }
  if (ownAllowed && tried.endpoints.length === 0) {
    const endpoint = view.balancer.next(view.ejections, tried.endpoints, true);
    if (endpoint) return { kind: 'endpoint', endpoint, lastResort: true };
  }
  return { kind: 'none', code: unavailableCode(backend) };
}

/** The code of "nothing is usable". */
export function unavailableCode({ restricted }: Backend): ProblemCode {
  return restricted ? 'residency_unavailable' : 'no_usable_endpoint';
}
