import type { Config } from './schema/config.ts';
import type { Location } from './schema/region.ts';
import type { ServiceConfig } from './schema/service.ts';

/** One region with the small integer that tables in shared memory know it by. */
export interface RegionInfo {
  readonly index: number;
  readonly name: string;
  readonly address: string;
  readonly location: Location;
  /** False for a witness. */
  readonly serves: boolean;
}

/** One address of a service in one region. `index` counts over the whole configuration. */
export interface EndpointInfo {
  readonly index: number;
  readonly serviceIndex: number;
  readonly regionIndex: number;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
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

/**
 * The configuration by small integers. Every thread of a node derives the same
 * numbers from the same configuration, in its order:
 *
 *   gateway states   [region]
 *   service states   [service × regions + region]
 *   endpoint records [endpoint]
 */
export interface Topology {
  readonly regions: readonly RegionInfo[];
  readonly services: readonly ServiceInfo[];
  readonly endpoints: readonly EndpointInfo[];
  readonly regionIndex: ReadonlyMap<string, number>;
  readonly serviceIndex: ReadonlyMap<string, number>;
}

/** Numbers regions, services and endpoints. The configuration must have been validated. */
export function compileTopology(config: Config): Topology {
  const regions = Object.entries(config.regions).map(([name, region], index) => ({
    index,
    name,
    address: region.address,
    location: region.location,
    serves: region.kind === 'region',
  }));
  const endpoints: EndpointInfo[] = [];
  const services = Object.entries(config.services).map(([name, service], index) => ({
    index,
    name,
    config: service,
    endpoints: regions.map((region) => numberEndpoints(service, index, region, endpoints)),
    allowed: regions.map((region) => service.residency?.includes(region.name) ?? true),
  }));
  return {
    regions,
    services,
    endpoints,
    regionIndex: new Map(regions.map(({ name, index }) => [name, index])),
    serviceIndex: new Map(services.map(({ name, index }) => [name, index])),
  };
}

function numberEndpoints(
  service: ServiceConfig,
  serviceIndex: number,
  region: RegionInfo,
  all: EndpointInfo[],
): EndpointInfo[] {
  const configured = service.endpoints[region.name] ?? [];
  return configured.map(({ address, weight }) => {
    const colon = address.lastIndexOf(':');
    const endpoint = {
      index: all.length,
      serviceIndex,
      regionIndex: region.index,
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      weight,
    };
    all.push(endpoint);
    return endpoint;
  });
}
