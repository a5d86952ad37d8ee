import type { Config } from '../config/schema/config.ts';
import type {
  AddressInfo,
  CheckInfo,
  NodeInfo,
  RegionInfo,
  ServiceInfo,
  Topology,
} from '../config/topology.ts';
import { maxFrameBytes } from '../link/frames.ts';
import { checkSubjects, type Derived } from './plan-checks.ts';
import { type Authorities, type ProbeCheck, type ProbeTarget, TargetList } from './targets.ts';

/**
 * Something that has a state: the gateway of a region, one of its addresses where it has
 * several, a service in a region, or a check by name.
 */
export interface Subject {
  /**
   * `gateway/REGION`, `gateway/REGION/ADDRESS`, `service/SERVICE/REGION` or
   * `check/NAME/TARGET`: the name in vectors and on disk.
   */
  readonly key: string;
  /** `undefined` for a check by name. */
  readonly region: RegionInfo | undefined;
  readonly service: ServiceInfo | undefined;
  readonly address: AddressInfo | undefined;
  readonly check: CheckInfo | undefined;
  /** Vantages whose quorum decides; `undefined` where the region's own nodes decide. */
  readonly vantages: readonly string[] | undefined;
  /** Up while more than this share of them says so; `undefined`: the majority decides. */
  readonly upShare: number | undefined;
  /** Computed from the states of others, at each node. */
  readonly derived: Derived | undefined;
  /** What this node probes for it, by target key; empty where others do. */
  readonly watched: readonly { readonly target: string; readonly weight: number }[];
  readonly minimumShare: number;
  /** Its check is disabled: nothing is probed, and it is healthy. */
  readonly disabled: boolean;
}

/** What the node of a region watches, and what it decides on. Derived from configuration. */
export interface HealthPlan {
  readonly region: string;
  /** The own node. */
  readonly node: NodeInfo;
  readonly regions: readonly string[];
  /** Names of the nodes of those regions that have several. */
  readonly nodes: ReadonlyMap<string, ReadonlySet<string>>;
  readonly subjects: ReadonlyMap<string, Subject>;
  /** Keys of what is computed from the state of a subject, by its key. */
  readonly dependents: ReadonlyMap<string, readonly string[]>;
  readonly targets: readonly ProbeTarget[];
  /** A vantage is fresh while it was heard no longer ago than this. */
  readonly freshnessMs: number;
}

/** Leaves room for the other fields of a vector. */
const mostSpokenBytes = maxFrameBytes - 8_192;

export const gatewayHealthPath = '/.meridian/health';

/** Freshness for probes or pushes that come every `intervalMs`. */
export const freshnessOf = (intervalMs: number): number => Math.max(3 * intervalMs, 2_000);

export const gatewayKey = (region: string): string => `gateway/${region}`;
export const addressKey = (region: string, address: string): string =>
  `gateway/${region}/${address}`;
export const serviceKey = (service: string, region: string): string =>
  `service/${service}/${region}`;

/**
 * What the node named `node` watches; in a region of one node the name does not matter.
 * Throws `RangeError` when region or node are not configured, or when the region would
 * observe more than fits into one frame.
 */
export function planHealth(
  config: Config,
  topology: Topology,
  region: string,
  node: string,
  authorities: Authorities = {},
): HealthPlan {
  const own = ownNode(topology, region, node);
  const targets = new TargetList(authorities);
  const subjects: Subject[] = [];
  for (const info of topology.regions) {
    if (info.serves) subjects.push(...gatewaySubjects(config, topology, own, info, targets));
    for (const service of topology.services) {
      const subject = serviceSubject(topology, region, info, service, targets);
      if (subject) subjects.push(subject);
    }
  }
  subjects.push(...checkSubjects(config, topology, region, targets));
  if (spokenBytes(subjects) > mostSpokenBytes) {
    throw new RangeError(`region "${region}" would observe too much: probe services from it less`);
  }
  const several = topology.regions.filter(({ nodes }) => nodes.length > 1);
  return {
    region,
    node: own,
    regions: topology.regions.map(({ name }) => name),
    nodes: new Map(several.map(({ name, nodes }) => [name, new Set(nodes.map(nameOf))])),
    subjects: new Map(subjects.map((subject) => [subject.key, subject])),
    dependents: dependentsOf(subjects),
    targets: targets.list(),
    freshnessMs: freshnessOf(config.health.interval),
  };
}

function dependentsOf(subjects: readonly Subject[]): ReadonlyMap<string, readonly string[]> {
  const dependents = new Map<string, string[]>();
  for (const { key, derived } of subjects) {
    for (const of of derived?.of ?? []) {
      const keys = dependents.get(of);
      if (keys) keys.push(key);
      else dependents.set(of, [key]);
    }
  }
  return dependents;
}

const nameOf = ({ name }: NodeInfo): string => name;

function ownNode({ regions, regionIndex }: Topology, region: string, node: string): NodeInfo {
  const nodes = regions[regionIndex.get(region) ?? -1]?.nodes;
  if (!nodes) throw new RangeError(`no region "${region}"`);
  const own = nodes.length === 1 ? nodes[0] : nodes.find(({ name }) => name === node);
  if (!own) throw new RangeError(`no node "${node}" in region "${region}"`);
  return own;
}

/** Size of the region's verdicts as JSON. */
function spokenBytes(subjects: readonly Subject[]): number {
  const spoken = subjects.filter(({ watched }) => watched.length > 0);
  return spoken.reduce((sum, { key }) => sum + key.length + '"":"down",'.length, 0);
}

/** What a subject of any kind may not have. */
const ofNothing = {
  service: undefined,
  address: undefined,
  check: undefined,
  upShare: undefined,
  derived: undefined,
  disabled: false,
};

/**
 * The gateway is up while one of its addresses is. Where it has several, each has a state
 * of its own besides.
 */
function gatewaySubjects(
  config: Config,
  topology: Topology,
  own: NodeInfo,
  region: RegionInfo,
  targets: TargetList,
): Subject[] {
  const { quorum, ...timing } = config.health;
  const check: ProbeCheck = {
    type: 'http',
    method: 'GET',
    path: gatewayHealthPath,
    headers: {},
    status: [200],
    disabled: false,
    ...timing,
  };
  const watch = (host: string) => ({
    target: targets.add(host, config.ports.http, check),
    weight: 1,
  });
  const vantages = vantagesOf(topology, region);
  const shared = { ...ofNothing, region, vantages, upShare: quorum?.up };
  const watched = hostsOf(region, own).map(watch);
  const gateway = {
    ...shared,
    key: gatewayKey(region.name),
    watched,
    minimumShare: 1 / watched.length,
  };
  if (region.addresses.length === 1) return [gateway];
  const addresses = region.addresses.map((address, at) => ({
    ...shared,
    key: addressKey(region.name, address.address),
    address,
    watched: watched.slice(at, at + 1),
    minimumShare: 1,
  }));
  return [gateway, ...addresses];
}

/**
 * Where the gateway of a region is probed: at its addresses, but the own node where it
 * listens, because not every network leads a host back to itself by its public address. For
 * the same reason a region looks at its nodes, not at the load balancer before them.
 */
function hostsOf(region: RegionInfo, own: NodeInfo): string[] {
  const within = region.index === own.regionIndex;
  const hostOf = (node: NodeInfo) => (node.index === own.index ? node.bind : node.address);
  const balanced = region.addresses.some(({ node }) => node === undefined);
  if (balanced && within) return region.nodes.map(hostOf);
  return region.addresses.map(({ address, node }) => (node ? hostOf(node) : address));
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
  const { check, probeFrom, minimumHealthyShare } = service.config;
  const everywhere = probeFrom === 'everywhere';
  const local = region.name === ownRegion;
  return {
    ...ofNothing,
    key: serviceKey(service.name, region.name),
    region,
    service,
    vantages: everywhere ? vantagesOf(topology, region) : undefined,
    watched:
      (local || everywhere) && !check.disabled
        ? endpoints.map((endpoint) => ({
            target: targets.add(endpoint.host, endpoint.port, check, local ? endpoint : undefined),
            weight: endpoint.weight,
          }))
        : [],
    minimumShare: minimumHealthyShare,
    disabled: check.disabled,
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
