import type { Config } from './schema/config.ts';
import type { ExclusiveSetConfig } from './schema/exclusive.ts';
import type { Location, NodeConfig, RegionConfig } from './schema/region.ts';
import type { ServiceConfig } from './schema/service.ts';

/** One node. `index` counts over the whole configuration. */
export interface NodeInfo {
  readonly index: number;
  /** Unique in its region; that of the region where it has no `nodes`. */
  readonly name: string;
  readonly regionIndex: number;
  /** Where other nodes reach it, by the inter-region link. */
  readonly address: string;
  /** The local address that it listens on. */
  readonly bind: string;
  /** Where in its region it stands; `undefined`: nobody said. */
  readonly zone: string | undefined;
}

/** An address that clients are sent to, and that is probed. `index` counts over the whole configuration. */
export interface AddressInfo {
  readonly index: number;
  readonly regionIndex: number;
  readonly address: string;
  /** The node that it is of; `undefined`: of a load balancer before the nodes. */
  readonly node: NodeInfo | undefined;
}

/** One region with the small integer that tables in shared memory know it by. */
export interface RegionInfo {
  readonly index: number;
  readonly name: string;
  readonly address: string;
  /** At least one. */
  readonly nodes: readonly NodeInfo[];
  /** At least one: those of all nodes, or that of the load balancer before them. */
  readonly addresses: readonly AddressInfo[];
  readonly location: Location;
  /** False for a witness. */
  readonly serves: boolean;
  /** It serves by relaying alone: it has no endpoints, and nothing is relayed to it. */
  readonly edge: boolean;
}

/** One address of a service in one region. `index` counts over the whole configuration. */
export interface EndpointInfo {
  readonly index: number;
  readonly serviceIndex: number;
  readonly regionIndex: number;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  /** Where in its region it stands; `undefined`: nobody said. */
  readonly zone: string | undefined;
}

export interface ServiceInfo {
  readonly index: number;
  readonly name: string;
  readonly config: ServiceConfig;
  /** By region index; empty where the service has none. */
  readonly endpoints: readonly (readonly EndpointInfo[])[];
  /** By region index: whether residency lets the service be handled there. */
  readonly allowed: readonly boolean[];
}

/** A check by name. */
export interface CheckInfo {
  readonly index: number;
  readonly name: string;
}

/** What may be active in one region at a time. */
export interface ExclusiveInfo {
  readonly index: number;
  readonly name: string;
  readonly config: ExclusiveSetConfig;
  /** By region index: whether it may be active. */
  readonly candidate: readonly boolean[];
}

/**
 * The configuration by small integers. Every thread of a node derives the same
 * numbers from the same configuration, in its order:
 *
 *   gateway states   [region]
 *   service states   [service × regions + region]
 *   endpoint records [endpoint]
 *   address states   [address]
 *   check states     [check]
 *   exclusive sets   [exclusive set]
 */
export interface Topology {
  /** Of each node: records of endpoints have a column for each. */
  readonly gatewayThreads: number;
  readonly regions: readonly RegionInfo[];
  readonly nodes: readonly NodeInfo[];
  readonly addresses: readonly AddressInfo[];
  readonly services: readonly ServiceInfo[];
  readonly endpoints: readonly EndpointInfo[];
  readonly checks: readonly CheckInfo[];
  readonly exclusive: readonly ExclusiveInfo[];
  readonly regionIndex: ReadonlyMap<string, number>;
  readonly serviceIndex: ReadonlyMap<string, number>;
  readonly checkIndex: ReadonlyMap<string, number>;
  readonly exclusiveIndex: ReadonlyMap<string, number>;
}

/** Numbers regions, services and endpoints. The configuration must have been validated. */
export function compileTopology(config: Config): Topology {
  const nodes: NodeInfo[] = [];
  const addresses: AddressInfo[] = [];
  const regions = Object.entries(config.regions).map(([name, region], index) => {
    const own = numberNodes(name, region, index, nodes);
    return {
      index,
      name,
      address: region.address,
      nodes: own,
      addresses: numberAddresses(region, index, own, addresses),
      location: region.location,
      serves: region.kind !== 'witness',
      edge: region.kind === 'edge',
    };
  });
  const endpoints: EndpointInfo[] = [];
  const services = Object.entries(config.services).map(([name, service], index) => ({
    index,
    name,
    config: service,
    endpoints: regions.map((region) => numberEndpoints(service, index, region, endpoints)),
    allowed: regions.map((region) => service.residency?.includes(region.name) ?? true),
  }));
  const checks = Object.keys(config.checks).map((name, index) => ({ index, name }));
  const exclusive = Object.entries(config.exclusive).map(([name, set], index) => ({
    index,
    name,
    config: set,
    candidate: regions.map((region) => set.regions.includes(region.name)),
  }));
  return {
    gatewayThreads: config.threads.gateway,
    regions,
    nodes,
    addresses,
    services,
    endpoints,
    checks,
    exclusive,
    regionIndex: new Map(regions.map(({ name, index }) => [name, index])),
    serviceIndex: new Map(services.map(({ name, index }) => [name, index])),
    checkIndex: new Map(checks.map(({ name, index }) => [name, index])),
    exclusiveIndex: new Map(exclusive.map(({ name, index }) => [name, index])),
  };
}

function numberNodes(
  name: string,
  region: RegionConfig,
  regionIndex: number,
  all: NodeInfo[],
): NodeInfo[] {
  const { address, bind, zone, nodes = { [name]: { address, bind } } } = region;
  return Object.entries<NodeConfig>(nodes).map(([node, at]) => {
    const info = {
      index: all.length,
      name: node,
      regionIndex,
      address: at.address,
      bind: at.bind ?? at.address,
      zone: at.zone ?? zone,
    };
    all.push(info);
    return info;
  });
}

function numberAddresses(
  { address }: RegionConfig,
  regionIndex: number,
  nodes: readonly NodeInfo[],
  all: AddressInfo[],
): AddressInfo[] {
  const direct = nodes.some((node) => node.address === address);
  const published = direct ? nodes.map((node) => ({ address: node.address, node })) : undefined;
  return (published ?? [{ address, node: undefined }]).map((of) => {
    const info = { index: all.length, regionIndex, ...of };
    all.push(info);
    return info;
  });
}

function numberEndpoints(
  service: ServiceConfig,
  serviceIndex: number,
  region: RegionInfo,
  all: EndpointInfo[],
): EndpointInfo[] {
  const configured = service.endpoints[region.name] ?? [];
  return configured.map(({ address, weight, zone }) => {
    const colon = address.lastIndexOf(':');
    const endpoint = {
      index: all.length,
      serviceIndex,
      regionIndex: region.index,
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      weight,
      zone,
    };
    all.push(endpoint);
    return endpoint;
  });
}
