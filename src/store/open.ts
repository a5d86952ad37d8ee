import { type Clock, systemClock } from '../base/clock.ts';
import { MeridianError } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import type { StoreTls } from './jetstream/connection.ts';
import { type JetStreamOptions, JetStreamStore } from './jetstream/jetstream-store.ts';
import { MemoryStore } from './memory/memory-store.ts';
import { identityName } from './nats-server/identities.ts';
import { hubVoters, replicasFor, storeSites } from './nats-server/sites.ts';
import type { HubShape, Store } from './store.ts';

export type StoreOptions =
  | { readonly engine: 'memory' }
  | ({ readonly engine: 'jetstream' } & JetStreamOptions);

/**
 * Opens the store and returns at once. Whether it can be reached is a matter of
 * `status()`: connections, buckets and replicas are made in the background, for ever.
 */
export function openStore(options: StoreOptions, clock: Clock = systemClock): Store {
  if (options.engine === 'memory') return new MemoryStore(clock);
  return new JetStreamStore(options, clock);
}

/**
 * What a configuration says about the store of a node. Where it names no servers for the
 * region, the leaf of a stack is meant.
 *
 * @param node names the node, one per process: `eu-west-1` or `eu-west-1-2`.
 * @param identity of the region, as PEM texts, where `store.tls` says that it is to be shown.
 * @throws {MeridianError} `store_not_configured`
 */
export function storeOptionsFor(
  config: Config,
  region: string,
  node: string,
  secret?: string,
  identity?: Omit<StoreTls, 'serverName'>,
): StoreOptions {
  if (config.store.engine === 'memory') return { engine: 'memory' };
  const servers = config.store.servers?.[region] ?? stackServers(config, region);
  if (servers.length === 0) {
    throw new MeridianError(
      'store_not_configured',
      `store.servers names no server for region "${region}"`,
    );
  }
  const tls = config.store.tls ? tlsOf(region, identity) : undefined;
  const hub = hubShapeFor(config, region, secret);
  return { engine: 'jetstream', servers, name: node, region, secret, tls, ...hub };
}

/** What a configuration wants of the hub, for a node of that region. */
export function hubShapeFor(config: Config, region: string, secret?: string): HubShape {
  const sites = storeSites(config);
  const servers = (config.store.engine === 'jetstream' && config.store.servers?.[region]) || [];
  const own = stackServers(config, region);
  const isStack = servers.length === 0 || servers.join() === own.join();
  return {
    replicas: replicasFor(sites.filter(({ edge }) => !edge).length),
    voters: isStack && own.length > 0 && secret !== undefined ? stackVoters(config) : [],
  };
}

function tlsOf(region: string, identity: Omit<StoreTls, 'serverName'> | undefined): StoreTls {
  if (identity) {
    const { ca, cert, key } = identity;
    return { ca, cert, key, serverName: identityName(region) };
  }
  throw new MeridianError(
    'store_not_configured',
    `store.tls is on, and region "${region}" has no identity to show`,
  );
}

function stackServers(config: Config, region: string): string[] {
  if (!config.stack) return [];
  return storeSites(config)
    .filter((site) => site.region === region)
    .map((site) => `nats://${site.address}:${site.ports.leaf}`);
}

function stackVoters(config: Config): string[] {
  return hubVoters(storeSites(config)).map((site) => `nats://${site.address}:${site.ports.hub}`);
}
