import { isIPv4 } from 'node:net';
import { regionsOfBucket, servesData } from '../../config/data-places.ts';
import type { Config } from '../../config/schema/config.ts';
import type { DataBucketConfig } from '../../config/schema/data.ts';
import type { Grant } from '../../data/server/rights.ts';
import { hubShapeFor } from '../../store/open.ts';
import type { HubShape } from '../../store/store.ts';
import type { Configuration } from '../configuration/configuration.ts';
import type { OwnNode } from '../own-node.ts';

/** What the data API of a node serves, as its thread is told it. Plain, and with secrets in it. */
export interface DataPlan {
  readonly host: string;
  readonly port: number;
  readonly region: string;
  /** Copies that the configuration wants of what the hub holds. */
  readonly replicas: HubShape['replicas'];
  /** All that may hold data. */
  readonly regions: readonly string[];
  /** Whose connections are taken. */
  readonly networks: readonly string[];
  readonly buckets: Readonly<Record<string, BucketPlan>>;
  readonly grants: Readonly<Record<string, Grant>>;
}

export interface BucketPlan {
  readonly settings: DataBucketConfig;
  /** Those that hold a copy. */
  readonly regions: readonly string[];
  /** Whether the own region is one of them. */
  readonly resident: boolean;
}

/** `undefined`: the node serves no data. */
export function dataPlanOf({
  config,
  own,
  material,
}: Pick<Configuration, 'config' | 'own' | 'material'>): DataPlan | undefined {
  const { data, regions } = config;
  const { region, bind: host } = own;
  if (!servesData(config, region)) return undefined;
  const { dataTokens = {} } = material;
  const buckets = Object.entries(data.buckets).map(([name, settings]) => {
    const holders = regionsOfBucket(config, settings);
    return [name, { settings, regions: holders, resident: holders.includes(region) }] as const;
  });
  const grants = Object.entries(data.tokens).flatMap(([name, { rights }]) => {
    const token = dataTokens[name];
    return token === undefined ? [] : [[name, { token, rights }] as const];
  });
  return {
    host,
    port: data.port,
    region,
    replicas: hubShapeFor(config, region).replicas,
    regions: Object.keys(regions).filter((name) => regions[name]!.kind === 'region'),
    networks: clientNetworks(config, own),
    buckets: Object.fromEntries(buckets),
    grants: Object.fromEntries(grants),
  };
}

/**
 * The networks of the region's services: as configured, else the addresses of its endpoints;
 * and the machine of the node, which connects to itself from loopback or the address it asks.
 */
function clientNetworks({ data, services }: Config, { region, bind }: OwnNode): string[] {
  const endpoints = Object.values(services)
    .flatMap((service) => service.endpoints[region] ?? [])
    .map(({ address }) => address.slice(0, address.lastIndexOf(':')))
    .filter((host) => isIPv4(host))
    .map((host) => `${host}/32`);
  const given = Object.hasOwn(data.clients, region) ? data.clients[region]! : endpoints;
  return [...new Set(['127.0.0.0/8', '::1/128', `${bind}/32`, ...given])];
}
