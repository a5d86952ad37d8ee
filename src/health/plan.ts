import type { CheckConfig } from '../config/schema/check.ts';
import type { Config } from '../config/schema/config.ts';
import type { EndpointInfo, RegionInfo, ServiceInfo, Topology } from '../config/topology.ts';
import { maxFrameBytes } from '../link/frames.ts';

/** One address to probe in one way. Whatever refers to the same is served by one probe. */
export interface ProbeTarget {
  /** Equal exactly when address and check are equal. */
  readonly key: string;
  readonly host: string;
  readonly port: number;
  readonly check: CheckConfig;
  /** Endpoints of the node's own region at this address, for ejection. */
  readonly endpoints: readonly EndpointInfo[];
}

/** Something that has a state: the gateway of a region, or a service in a region. */
export interface Subject {
  /** `gateway/REGION` or `service/SERVICE/REGION`: the name in vectors and on disk. */
  readonly key: string;
  readonly region: RegionInfo;
  /** `undefined`: the gateway. */
  readonly service: ServiceInfo | undefined;
  /** Vantages whose quorum decides; `undefined` where the region's own nodes decide. */
  readonly vantages: readonly string[] | undefined;
  /** What this node probes for it, by target key; empty where others do. */
  readonly watched: readonly { readonly target: string; readonly weight: number }[];
  readonly minimumShare: number;
}

/** What the node of a region watches, and what it decides on. Derived from configuration. */
export interface HealthPlan {
  readonly region: string;
  readonly regions: readonly string[];
  readonly subjects: ReadonlyMap<string, Subject>;
  readonly targets: readonly ProbeTarget[];
  /** A vantage is fresh while it was heard no longer ago than this. */
  readonly freshnessMs: number;
}

/** Leaves room for the other fields of a vector. */
const mostSpokenBytes = maxFrameBytes - 1_024;

export const gatewayHealthPath = '/.meridian/health';

/** Freshness for probes or pushes that come every `intervalMs`. */
export const freshnessOf = (intervalMs: number): number => Math.max(3 * intervalMs, 2_000);

export const gatewayKey = (region: string): string => `gateway/${region}`;
export const serviceKey = (service: string, region: string): string =>
  `service/${service}/${region}`;

/**
 * Throws `RangeError` when `region` is not configured, or when it would observe more than
 * fits into one frame.
 */
export function planHealth(config: Config, topology: Topology, region: string): HealthPlan {
  if (!topology.regionIndex.has(region)) throw new RangeError(`no region "${region}"`);
  const targets = new TargetList();
  const subjects: Subject[] = [];
  for (const info of topology.regions) {
    if (info.serves) subjects.push(gatewaySubject(config, topology, region, info, targets));
    for (const service of topology.services) {
      const subject = serviceSubject(topology, region, info, service, targets);
      if (subject) subjects.push(subject);
    }
  }
  if (spokenBytes(subjects) > mostSpokenBytes) {
    throw new RangeError(`region "${region}" would observe too much: probe services from it less`);
  }
  return {
    region,
    regions: topology.regions.map(({ name }) => name),
    subjects: new Map(subjects.map((subject) => [subject.key, subject])),
    targets: targets.list(),
    freshnessMs: freshnessOf(config.health.interval),
  };
}

/** Size of the region's verdicts as JSON. */
function spokenBytes(subjects: readonly Subject[]): number {
  const spoken = subjects.filter(({ watched }) => watched.length > 0);
  return spoken.reduce((sum, { key }) => sum + key.length + '"":"down",'.length, 0);
}

function gatewaySubject(
  config: Config,
  topology: Topology,
  ownRegion: string,
  region: RegionInfo,
  targets: TargetList,
): Subject {
  const check: CheckConfig = {
    type: 'http',
    path: gatewayHealthPath,
    status: [200],
    ...config.health,
  };
  // The own gateway is probed where it listens: not every network leads a host back to
  // itself by its public address.
  const bind = region.name === ownRegion ? config.regions[region.name]?.bind : undefined;
  const target = targets.add(bind ?? region.address, config.ports.http, check);
  return {
    key: gatewayKey(region.name),
    region,
    service: undefined,
    vantages: vantagesOf(topology, region),
    watched: [{ target, weight: 1 }],
    minimumShare: 1,
  };
}

function serviceSubject(
  topology: Topology,
  ownRegion: string,
  region: RegionInfo,
  service: ServiceInfo,
  targets: TargetList,
): Subject | undefined {
  const endpoints = service.endpoints[region.index] ?? [];
  if (endpoints.length === 0) return undefined;
  const everywhere = service.config.probeFrom === 'everywhere';
  const local = region.name === ownRegion;
  return {
    key: serviceKey(service.name, region.name),
    region,
    service,
    vantages: everywhere ? vantagesOf(topology, region) : undefined,
    watched:
      local || everywhere
        ? endpoints.map((endpoint) => ({
            target: targets.add(
              endpoint.host,
              endpoint.port,
              service.config.check,
              local ? endpoint : undefined,
            ),
            weight: endpoint.weight,
          }))
        : [],
    minimumShare: service.config.minimumHealthyShare,
  };
}

/**
 * A vantage inside the region says nothing about whether the region is reachable from
 * outside: it is left out, unless there is no other.
 */
function vantagesOf(topology: Topology, region: RegionInfo): readonly string[] {
  const others = topology.regions.filter(({ name }) => name !== region.name);
  return others.length > 0 ? others.map(({ name }) => name) : [region.name];
}

class TargetList {
  readonly #byKey = new Map<string, ProbeTarget & { endpoints: EndpointInfo[] }>();

  add(host: string, port: number, check: CheckConfig, localEndpoint?: EndpointInfo): string {
    const key = JSON.stringify([host, port, check]);
    let target = this.#byKey.get(key);
    if (!target) {
      target = { key, host, port, check, endpoints: [] };
      this.#byKey.set(key, target);
    }
    if (localEndpoint) target.endpoints.push(localEndpoint);
    return key;
  }

  list(): readonly ProbeTarget[] {
    return [...this.#byKey.values()];
  }
}
