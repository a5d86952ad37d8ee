import type { Clock } from '../../base/clock.ts';
import type { BalancingConfig, BalancingType } from '../../config/schema/balancing.ts';
import type { EndpointInfo, ServiceInfo } from '../../config/topology.ts';
import type { HealthTable } from '../../health/table.ts';
import type { ChoiceView } from '../exchange/choose.ts';
import type { EndpointLoads } from '../upstream/balancing/balancer.ts';
import { createBalancing } from '../upstream/balancing/create-balancing.ts';
import { MaglevTables } from '../upstream/balancing/maglev-tables.ts';
import { findKey } from '../upstream/balancing/request-key.ts';
import { TierDivision } from '../upstream/balancing/tier-balancer.ts';
import { tiersOf } from '../upstream/balancing/tiers.ts';
import type { AskedRequest } from './question.ts';

/** Some endpoints of a region, which come before those of the next tier. */
export interface ExplainedTier {
  readonly tier: number;
  /** The zone or the region that they stand in. */
  readonly of: string;
  readonly endpoints: number;
  readonly usable: number;
  /** Of the requests that the region gets. */
  readonly sharePercent: number;
}

/** How a service spreads its requests. */
export interface ExplainedBalancing {
  readonly algorithm: BalancingType;
  /** What decides about this request. */
  readonly by: string;
  /** Whether it is the request that decides, so that its like go to the same endpoint. */
  readonly determined: boolean;
  readonly tiers: readonly ExplainedTier[];
  /** Where `spillOver.regions` is on: of the requests that the region gets. */
  readonly otherRegionsPercent: number;
}

export interface PlacementWorld {
  readonly ownRegion: number;
  readonly regionName: string;
  readonly health: HealthTable;
  /** Of the own node. */
  readonly zone: string | undefined;
  /** What cookies are signed with, by service. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** As gateway threads average latencies of services that are not balanced by them. */
const usualDecayMs = 10_000;

/** The balancers that gateway threads use, for one look: turns begin anew, chance is left out. */
export class Placement {
  readonly explained: ExplainedBalancing;
  readonly loads: EndpointLoads;
  readonly balancing: ChoiceView['balancing'];
  readonly #tiers: readonly (readonly EndpointInfo[])[];

  constructor(service: ServiceInfo, request: AskedRequest, world: PlacementWorld) {
    const { ownRegion, regionName, health, zone, clock } = world;
    const { balancing: settings, spillOver } = service.config;
    const secret = world.secrets[service.name];
    const readable = settings.type !== 'sticky' || secret !== undefined;
    this.loads = loadsOf(service, health, clock);
    const { balancer, spill, sticky } = createBalancing(readable ? service : inTurn(service), {
      ownRegion,
      regionName,
      ownZone: zone,
      changes: health,
      random: () => 0,
      wallMs: () => clock.wallMs(),
      secretOf: () => secret,
      tables: new MaglevTables(),
    });
    const held = sticky?.holds(request, this.loads) ?? false;
    const keyed = settings.type === 'ipHash' || settings.type === 'consistentHash';
    this.balancing = { balancer, spill: keyed ? spill : undefined };
    this.#tiers = tiersOf(service.endpoints[ownRegion]!, zone);
    const { tiers, beyond } = new TierDivision(this.#tiers, spillOver.factor, health).shares(
      this.loads,
    );
    this.explained = {
      algorithm: settings.type,
      by: readable ? deciding(settings, request, held, service.name) : unreadable,
      determined: keyed || held,
      tiers: tiers.map((share, at) => this.#explainTier(at, share, zone, regionName)),
      otherRegionsPercent: spillOver.regions ? percent(beyond) : 0,
    };
  }

  /** From 1; `undefined` for one that has no weight. */
  tierOf({ index }: EndpointInfo): number | undefined {
    const at = this.#tiers.findIndex((tier) => tier.some((one) => one.index === index));
    return at === -1 ? undefined : at + 1;
  }

  #explainTier(at: number, share: number, zone: string | undefined, region: string): ExplainedTier {
    const endpoints = this.#tiers[at]!;
    return {
      tier: at + 1,
      of: at === 0 && this.#tiers.length > 1 ? `zone ${zone}` : `region ${region}`,
      endpoints: endpoints.length,
      usable: endpoints.filter(({ index }) => !this.loads.ejected(index)).length,
      sharePercent: percent(share),
    };
  }
}

const unreadable = 'turns: what cookies are signed with is not known here';

/** Without its cookies. */
function inTurn(service: ServiceInfo): ServiceInfo {
  const { slowStart } = service.config.balancing;
  return {
    ...service,
    config: { ...service.config, balancing: { type: 'roundRobin', slowStart } },
  };
}

/** Names what is looked at, never what a cookie says. */
function deciding(
  settings: BalancingConfig,
  request: AskedRequest,
  held: boolean,
  service: string,
): string {
  const address = `the client's address, ${request.clientAddress}`;
  switch (settings.type) {
    case 'roundRobin':
      return 'turns, by weight';
    case 'leastRequests':
      return 'requests under way';
    case 'peakEwma':
      return 'latency times requests under way';
    case 'ipHash':
      return address;
    case 'consistentHash': {
      const { key } = settings;
      if (key === 'address') return address;
      const [kind, name] = Object.entries(key)[0]!;
      const named = `${kind} ${name}`;
      return findKey(key, request) ? named : `${address}; the request has no ${named}`;
    }
    case 'sticky': {
      const cookie = `cookie ${settings.cookie ?? `meridian-${service}`}`;
      return held ? cookie : `turns; the request has no ${cookie} of an endpoint that takes it`;
    }
  }
}

function loadsOf({ config }: ServiceInfo, { endpoints }: HealthTable, clock: Clock): EndpointLoads {
  const { ejection, balancing } = config;
  const decayMs = balancing.type === 'peakEwma' ? balancing.decay : usualDecayMs;
  const nowMs = clock.monotonicMs();
  return {
    inFlight: (endpoint) => endpoints.inFlight(endpoint),
    latencyMs: (endpoint) => endpoints.latencyMs(endpoint, decayMs, nowMs),
    ejected: (endpoint) => endpoints.ejected(endpoint, ejection.trials),
    admittedForMs: (endpoint) => endpoints.admittedForMs(endpoint, nowMs),
  };
}

function percent(share: number): number {
  return Math.round(share * 1_000) / 10;
}
