import type { EndpointInfo, ExclusiveInfo } from '../../config/topology.ts';
import { type StateCode, unhealthy } from '../../health/table.ts';
import type { Backend, Snapshot } from '../snapshot.ts';
import type { BalanceKey, EndpointLoads } from '../upstream/balancing/balancer.ts';
import type { Balancing } from '../upstream/balancing/create-balancing.ts';
import type { RegionSpill } from '../upstream/balancing/tier-balancer.ts';
import type { RelayNode } from '../upstream/relay-nodes.ts';
import type { ProblemCode } from './problems.ts';

/** The state that the choice reads, for the service of one route in the own region. */
export interface ChoiceView {
  readonly ownRegion: number;
  /** What balancers look at. */
  readonly loads: EndpointLoads;
  /** State of the route's service in the own region. */
  readonly ownState: StateCode;
  readonly balancing: Pick<Balancing, 'balancer'> & {
    /** Which requests are left to other regions. */
    readonly spill: Pick<RegionSpill, 'leaves'> | undefined;
  };
  /** Regions that may be relayed to, best first; of what is exclusive the active one at most. */
  readonly relays: readonly number[];
  /** The own region is an edge, which may try as many others as `retries.attempts` lets it. */
  readonly isEdge?: boolean;
  /** While regions give clients away: whether that one gives this client away. */
  readonly givesAway?: ((region: number, tried: Tried) => boolean) | undefined;
  /** Whether the own region is active, of what may be so in one only. Asked for that alone. */
  readonly active?: boolean;
}

/** What a request has tried so far, and what of it may decide where it goes. */
export interface Tried extends BalanceKey {
  readonly endpoints: readonly number[];
  readonly regions: readonly number[];
  /** The request was itself relayed here: it never leaves again. */
  readonly relayed: boolean;
}

/** At most this many of the own endpoints before other regions, and as many of those. */
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

interface RelayChoice {
  readonly kind: 'relay';
  readonly region: number;
}

export type Choice =
  | EndpointTarget
  | RelayChoice
  | { readonly kind: 'none'; readonly code: ProblemCode };

/**
 * The next place to send a request to: the table "From state to answer" for a request
 * that reached this region.
 *
 *   own region allowed, service not unhealthy here,  ──▶ an endpoint, by the balancer
 *   an endpoint not ejected, no spill-over                 │ tried, or none
 *   another region allowed and usable,               ◀─────┘ or two were tried
 *   which keeps the client                                 │
 *     │ yes ──▶ relay, the best not yet tried              │ tried, or none
 *   own endpoints not ejected beyond those two       ◀─────┘
 *     │ yes ──▶ the next one                               │ tried, or none
 *   one of those that give the client away           ◀─────┘
 *     │ yes ──▶ relay, the best not yet tried              │ tried, or none
 *   own region allowed, no endpoint tried yet        ◀─────┘
 *     │ yes ──▶ one endpoint whatever its state: the last resort
 *     └ no  ──▶ 503, with its own code where residency left regions out
 *
 * Of what is exclusive only the active region has endpoints; elsewhere it is relayed there, where
 * that is wanted, or refused.
 *
 * How many of these a request gets is for `retries.attempts` of the service to say.
 */
export function choose(backend: Backend, view: ChoiceView, tried: Tried): Choice {
  if (backend.exclusive !== undefined && !view.active) {
    return untriedRelay(view, tried, undefined) ?? { kind: 'none', code: 'not_active' };
  }
  const ownAllowed = backend.allowed[view.ownRegion]!;
  const { balancer } = view.balancing;
  const ownUsable = ownAllowed && view.ownState !== unhealthy;
  const early = tried.endpoints.length < maximumTries;
  if (ownUsable && early && !spills(view, tried)) {
    const endpoint = balancer.next(tried, view.loads, tried.endpoints, false);
    if (endpoint) return { kind: 'endpoint', endpoint, lastResort: false };
  }
  const relay = untriedRelay(view, tried, view.givesAway);
  if (relay) return relay;
  if (ownUsable && !early) {
    const endpoint = balancer.next(tried, view.loads, tried.endpoints, false);
    if (endpoint) return { kind: 'endpoint', endpoint, lastResort: false };
  }
  const standby = untriedRelay(view, tried, undefined);
  if (standby) return standby;
  if (ownAllowed && tried.endpoints.length === 0) {
    const endpoint = balancer.next(tried, view.loads, tried.endpoints, true);
    if (endpoint) return { kind: 'endpoint', endpoint, lastResort: true };
  }
  return { kind: 'none', code: unavailableCode(backend) };
}

/** The best region not yet tried; while `givesAway` is given, of those that keep the client. */
function untriedRelay(
  { relays, isEdge }: ChoiceView,
  tried: Tried,
  givesAway: ChoiceView['givesAway'],
): RelayChoice | undefined {
  if (tried.relayed || (tried.regions.length >= maximumTries && !isEdge)) return undefined;
  for (const region of relays) {
    if (tried.regions.includes(region) || givesAway?.(region, tried)) continue;
    return { kind: 'relay', region };
  }
  return undefined;
}

/**
 * What the region cannot take goes to another one at first; if that fails, it is tried here. One
 * that gives the client away is not asked for such help.
 */
function spills(view: ChoiceView, tried: Tried): boolean {
  const { spill } = view.balancing;
  if (!spill || tried.endpoints.length > 0 || tried.regions.length > 0) return false;
  return untriedRelay(view, tried, view.givesAway) !== undefined && spill.leaves(tried, view.loads);
}

/** Whether a region that is not active sends requests on to the one that is. An edge has no other use. */
export function relaysElsewhere(
  { config }: ExclusiveInfo,
  { topology, ownRegion }: Pick<Snapshot, 'topology' | 'ownRegion'>,
): boolean {
  return config.elsewhere === 'relay' || topology.regions[ownRegion]?.edge === true;
}

/** The code of "nothing is usable". */
export function unavailableCode({ restricted }: Backend): ProblemCode {
  return restricted ? 'residency_unavailable' : 'no_usable_endpoint';
}
