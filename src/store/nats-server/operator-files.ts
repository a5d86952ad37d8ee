import { isIP } from 'node:net';
import { join } from 'node:path';
import { MeridianError } from '../../base/errors.ts';
import { fileBytesFor } from '../../config/data-room.ts';
import type { Config } from '../../config/schema/config.ts';
import { hubConfigText, leafConfigText, type ServerConfigOptions } from './config-text.ts';
import { hubName, identityName } from './identities.ts';
import { hubVoters, type StorePorts, type StoreSite, storeSites } from './sites.ts';

export type OperatorFilesErrorCode =
  | 'unknown_region'
  | 'store_not_configured'
  | 'store_tls_off'
  | 'no_voter_here';

export interface OperatorFilesOptions {
  /** What to make; by default, all that the region has. */
  readonly kind?: 'voter' | 'leaf' | undefined;
  /** Folder of `ca.pem`, `cert.pem` and `key.pem` on the machine of the server. */
  readonly identityDirectory: string;
  /** Folder of the servers' data there. */
  readonly dataDirectory: string;
  /** Where the servers of a region are reached, by region. */
  readonly hosts?: Readonly<Record<string, string>> | undefined;
  /** Where the servers of this region listen, where that is another address. */
  readonly listen?: string | undefined;
  readonly ports?: Partial<StorePorts> | undefined;
  /** Of the voter: more than 1 where it replaces one whose disk is lost. */
  readonly instance?: number | undefined;
  /** A voter that lets no leaf in: nothing is written while its data is saved or restored. */
  readonly closed?: boolean | undefined;
}

export interface OperatorFile {
  /** `hub.conf`, `leaf.conf`, `leaf-2.conf`, … */
  readonly name: string;
  readonly text: string;
}

export interface OperatorFiles {
  readonly files: readonly OperatorFile[];
  /** What the certificate of the region's servers must name. */
  readonly certificate: {
    readonly dnsNames: readonly string[];
    readonly addresses: readonly string[];
  };
}

/**
 * Configuration for an operator's own store servers in one region: a voter of the hub, where
 * the region holds one, and a leaf for each server that `store.servers` names. They hold no
 * secret: everybody proves themselves by certificates. Pure.
 *
 * @throws {MeridianError<OperatorFilesErrorCode>}
 */
export function operatorFiles(
  config: Config,
  region: string,
  options: OperatorFilesOptions,
): OperatorFiles {
  const { store } = config;
  checkConfig(config, region);
  const sites = operatorSites(config, options);
  const site = sites.find((one) => one.region === region)!;
  const voters = hubVoters(sites);
  const isVoter = voters.includes(site);
  if (options.kind === 'voter' && !isVoter) {
    const holders = voters.map((voter) => voter.region).join(', ');
    fail('no_voter_here', `region "${region}" holds no voter of the hub; these do: ${holders}`);
  }
  const inFolder = (name: string) => join(options.identityDirectory, name);
  const tls = {
    ca: inFolder('ca.pem'),
    cert: inFolder('cert.pem'),
    key: inFolder('key.pem'),
    regions: Object.keys(config.regions),
  };
  const common = (name: string): ServerConfigOptions => ({
    site,
    voters,
    tls,
    storeDirectory: join(options.dataDirectory, name),
    fileBytes: fileBytesFor(config),
  });
  const files: OperatorFile[] = [];
  const add = (name: string, text: string) =>
    files.push({ name: `${name}.conf`, text: `${heading(region, name)}${text}` });
  if (isVoter && options.kind !== 'leaf') {
    add('hub', voterText(common, options));
  }
  const urls = (store.engine === 'jetstream' && store.servers?.[region]) || [undefined];
  for (const [index, url] of options.kind === 'voter' ? [] : urls.entries()) {
    const instance = index + 1;
    const name = instance === 1 ? 'leaf' : `leaf-${instance}`;
    const leaf = url === undefined ? site : leafSite(site, url, instance);
    add(name, leafConfigText({ ...common(name), site: leaf, instance }));
  }
  return { files, certificate: certificateOf(site, isVoter) };
}

/** Each instance has a folder of its own: what an earlier one left is not this one's log. */
function voterText(
  common: (name: string) => ServerConfigOptions,
  { instance = 1, closed }: Pick<OperatorFilesOptions, 'instance' | 'closed'>,
): string {
  return hubConfigText({ ...common(instance === 1 ? 'hub' : `hub-${instance}`), instance, closed });
}

/**
 * Where the voters of an operator's own hub take clients, and the names that they prove.
 *
 * @throws {MeridianError<OperatorFilesErrorCode>}
 */
export function operatorVoters(
  config: Config,
  options: Pick<OperatorFilesOptions, 'hosts' | 'ports'>,
): readonly { readonly url: string; readonly serverName: string }[] {
  checkStore(config);
  return hubVoters(operatorSites(config, options)).map(({ region, address, ports }) => ({
    url: `nats://${address}:${ports.hub}`,
    serverName: identityName(region),
  }));
}

function checkConfig(config: Config, region: string): void {
  if (!Object.hasOwn(config.regions, region)) {
    fail('unknown_region', `the configuration has no region "${region}"`);
  }
  checkStore(config);
}

function checkStore(config: Config): void {
  if (config.store.engine !== 'jetstream') {
    fail('store_not_configured', 'store.engine is "memory": there are no servers to configure');
  }
  if (!config.store.tls) {
    fail('store_tls_off', 'these servers ask everybody for a certificate: set store.tls to true');
  }
}

function operatorSites(
  config: Config,
  options: Pick<OperatorFilesOptions, 'hosts' | 'ports' | 'listen'>,
): readonly StoreSite[] {
  const { hosts = {}, listen } = options;
  return storeSites(config).map((site) => {
    const { address: published, bind } = config.regions[site.region]!;
    const address = hosts[site.region] ?? leafHost(config, site.region) ?? published;
    const own = address === published ? bind : undefined;
    const ports = { ...site.ports, ...options.ports };
    return {
      ...site,
      address,
      listen: listen ?? own ?? (isIP(address) ? address : '0.0.0.0'),
      ports,
    };
  });
}

function leafHost({ store }: Config, region: string): string | undefined {
  const [url] = (store.engine === 'jetstream' && store.servers?.[region]) || [];
  return url === undefined ? undefined : parseServer(url).hostname;
}

/** The first leaf listens where the region's servers do; others where their URL says. */
function leafSite(site: StoreSite, url: string, instance: number): StoreSite {
  const { hostname, port } = parseServer(url);
  const listen = instance === 1 ? site.listen : isIP(hostname) ? hostname : '0.0.0.0';
  return { ...site, listen, ports: { ...site.ports, leaf: Number(port || site.ports.leaf) } };
}

function parseServer(text: string): URL {
  const url = URL.parse(text);
  if (url?.hostname) return url;
  return fail('store_not_configured', `${JSON.stringify(text)} in store.servers is no URL`);
}

function certificateOf(site: StoreSite, isVoter: boolean): OperatorFiles['certificate'] {
  const names = [identityName(site.region), ...(isVoter ? [hubName] : [])];
  if (isIP(site.address)) return { dnsNames: names, addresses: [site.address] };
  return { dnsNames: [...names, site.address], addresses: [] };
}

function heading(region: string, name: string): string {
  return (
    `# Store server "${name}" of region ${region}, made by "meridian store config".\n` +
    `# Start it with: nats-server -c ${name}.conf\n`
  );
}

function fail(code: OperatorFilesErrorCode, message: string): never {
  throw new MeridianError<OperatorFilesErrorCode>(code, message);
}
