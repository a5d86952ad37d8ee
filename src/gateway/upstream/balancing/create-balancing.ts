import { MeridianError } from '../../../base/errors.ts';
import type { BalancingConfig, BalancingType } from '../../../config/schema/balancing.ts';
import type { EndpointInfo, ServiceInfo } from '../../../config/topology.ts';
import type { GatewayErrorCode } from '../../gateway-error.ts';
import type { Balancer } from './balancer.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { rehash, unit } from './hash.ts';
import { LeastOfAll } from './least-of-all.ts';
import { LeastOfFew } from './least-of-few.ts';
import { peakEwmaCost, requestsCost } from './load-cost.ts';
import type { MaglevTables } from './maglev-tables.ts';
import { RendezvousHash } from './rendezvous-hash.ts';
import { addressHash, type RequestHash, requestHash } from './request-key.ts';
import { RoundRobin } from './round-robin.ts';
import { Sticky } from './sticky.ts';
import { StickyCookie } from './sticky-cookie.ts';
import {
  type ChangeCount,
  type Position,
  RegionSpill,
  TierBalancer,
  TierDivision,
} from './tier-balancer.ts';
import { tiersOf } from './tiers.ts';

/** What balancers stand in. */
export interface BalancingContext {
  readonly ownRegion: number;
  readonly regionName: string;
  /** Of the own node; `undefined`: nobody said. */
  readonly ownZone: string | undefined;
  readonly changes: ChangeCount;
  /** Of the thread: they outlive revisions. */
  readonly tables: MaglevTables;
  /** In [0, 1). */
  readonly random: () => number;
  readonly wallMs: () => number;
  /** What `balancing.secret` of a service names, as text; `undefined`: it was not read. */
  readonly secretOf: (service: string) => string | undefined;
}

/** How the requests for one service are spread. */
export interface Balancing {
  readonly balancer: Balancer;
  /** Where the service may spill over to other regions. */
  readonly spill: RegionSpill | undefined;
  /** Where clients are kept by a cookie: it says which line a response needs. */
  readonly sticky: Sticky | undefined;
}

type Settings<Type extends BalancingType> = Extract<BalancingConfig, { type: Type }>;

/** Over the endpoints of one tier, all with a weight > 0. */
type Create<Type extends BalancingType> = (
  settings: Settings<Type>,
  endpoints: readonly EndpointInfo[],
  context: Pick<BalancingContext, 'random' | 'tables'>,
) => Balancer;

/** Every algorithm there is. */
const algorithms: { readonly [Type in BalancingType]: Create<Type> } = {
  roundRobin: ({ slowStart }, endpoints) => new RoundRobin(endpoints, slowStart),
  leastRequests: ({ choices, slowStart = 0 }, endpoints, { random }) =>
    choices === 'full'
      ? new LeastOfAll(endpoints, requestsCost, slowStart, random)
      : new LeastOfFew({ endpoints, choices, cost: requestsCost, slowStartMs: slowStart, random }),
  peakEwma: ({ choices, slowStart = 0 }, endpoints, { random }) =>
    new LeastOfFew({
      endpoints,
      choices,
      cost: peakEwmaCost(endpoints),
      slowStartMs: slowStart,
      random,
    }),
  ipHash: ({ slowStart = 0 }, endpoints) => new RendezvousHash(endpoints, addressHash, slowStart),
  consistentHash: ({ key, slowStart = 0 }, endpoints, { tables }) =>
    new ConsistentHash(endpoints, requestHash(key), slowStart, tables),
  // Of clients that have no endpoint yet.
  sticky: ({ slowStart }, endpoints) => new RoundRobin(endpoints, slowStart),
};

/**
 * @throws MeridianError `secret_invalid`, where cookies cannot be signed; names the service
 */
export function createBalancing(service: ServiceInfo, context: BalancingContext): Balancing {
  const { ownRegion, ownZone, changes, random } = context;
  const { balancing: settings, spillOver } = service.config;
  const endpoints = service.endpoints[ownRegion]!;
  const tiers = tiersOf(endpoints, ownZone);
  const division = new TierDivision(tiers, spillOver.factor, changes);
  const balancers = tiers.map((tier) => createBalancer(settings.type, settings, tier, context));
  const hash = hashOf(settings);
  const placement =
    balancers.length === 1
      ? balancers[0]!
      : new TierBalancer(balancers, division, positionBy(hash, tierSalt, random));
  const sticky =
    settings.type === 'sticky' ? createSticky(service, settings, placement, context) : undefined;
  const spill = new RegionSpill(division, positionBy(hash, spillSalt, random), sticky);
  return {
    balancer: sticky ?? placement,
    spill: spillOver.regions ? spill : undefined,
    sticky,
  };
}

function createBalancer<Type extends BalancingType>(
  type: Type,
  settings: Settings<Type>,
  endpoints: readonly EndpointInfo[],
  context: BalancingContext,
): Balancer {
  return algorithms[type](settings, endpoints, context);
}

/** Two, so that who leaves the region says nothing about who would leave the zone. */
const tierSalt = 0x7153;
const spillSalt = 0x5b11;

function positionBy(hash: RequestHash | undefined, salt: number, random: () => number): Position {
  return hash ? (request) => unit(rehash(hash(request), salt)) : random;
}

/** `undefined`: requests are not told apart. */
function hashOf(settings: BalancingConfig): RequestHash | undefined {
  if (settings.type === 'consistentHash') return requestHash(settings.key);
  return settings.type === 'ipHash' ? addressHash : undefined;
}

/** Fewer could be guessed from one cookie. */
const leastSecretLength = 32;

function createSticky(
  { name, endpoints }: ServiceInfo,
  settings: Settings<'sticky'>,
  placement: Balancer,
  { ownRegion, regionName, wallMs, secretOf }: BalancingContext,
): Sticky {
  const secret = secretOf(name)?.trim() ?? '';
  if (secret.length < leastSecretLength) {
    const message = `services.${name}.balancing.secret: what ${settings.secret} names has ${secret.length} characters, and ${leastSecretLength} are needed`;
    throw new MeridianError<GatewayErrorCode>('secret_invalid', message);
  }
  return new Sticky({
    endpoints: endpoints[ownRegion]!,
    regionName,
    placement,
    cookie: new StickyCookie(Buffer.from(secret), name),
    cookieName: settings.cookie ?? `meridian-${name}`,
    lifetimeMs: settings.lifetime,
    wallMs,
  });
}
