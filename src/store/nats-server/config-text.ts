import { MeridianError } from '../../base/errors.ts';
import { serverFileBytes } from '../../config/data-room.ts';
import { hubAccounts, leafAccounts } from './accounts.ts';
import { hubDomain } from './domain.ts';
import { hubName } from './identities.ts';
import { checkedSecret, credentials, passwordText, type SecretOptions } from './secret.ts';
import { nearestFirst, type StoreSite } from './sites.ts';
import { block, lines, list, quote } from './syntax.ts';

export { storeUser } from './secret.ts';
export { quote } from './syntax.ts';

/** How servers know each other and their clients: by a secret, by certificates, or by both. */
export interface ServerConfigOptions extends SecretOptions {
  /** The region whose server this is. */
  readonly site: StoreSite;
  /** Every voter of the hub (`hubVoters`), in any order. */
  readonly voters: readonly StoreSite[];
  /** Folder for the server's data, absolute. Made by the server. */
  readonly storeDirectory: string;
  /**
   * Of several leaves in a region, the how manieth, from 1. Of a voter, how often the one of
   * this region was made anew: a server that lost its disk is another one to the hub, or its
   * empty log could outvote who has what was confirmed.
   */
  readonly instance?: number | undefined;
  readonly tls?: ServerTls | undefined;
  /** What its streams may have on disk. Default: `serverFileBytes`. */
  readonly fileBytes?: number | undefined;
  /** Of a voter: it lets no leaf in, while its data is saved or restored. */
  readonly closed?: boolean | undefined;
}

/** Paths of PEM files; the certificate as `identities.ts` says. */
export interface ServerTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** All regions: whose leaves the hub accepts by their certificates. */
  readonly regions: readonly string[];
}

export type ServerKind = 'hub' | 'leaf';

/**
 * Configuration of a hub voter.
 *
 *            cluster routes                       clients, nodes
 *   hub-A ◀──────────────────▶ hub-B                   │
 *     ▲ ╲                      ╱ ▲                     ▼
 *     │   ╲──▶ hub-C ◀────────╱  │  leafnodes     leaf-A (own domain)
 *     └──────────────────────────┴──────────────────── nearest voter first
 *
 * `sync_interval: always`: an acknowledged write is on the disks of a majority. With the
 * default of two minutes, acknowledged writes were lost (Jepsen, NATS 2.12.1).
 * `unique_tag`: two replicas never share a region. A single voter runs without a cluster.
 */
export function hubConfigText(options: ServerConfigOptions): string {
  const { site, tls } = checkedOptions(options);
  return lines(
    `server_name: ${quote(voterName(site.region, options.instance))}`,
    ...client(options, site.ports.hub),
    ...hubAccounts({ ...options, regions: tls?.regions ?? [] }),
    ...block(
      'jetstream',
      `domain: ${quote(hubDomain)}`,
      ...storage(options),
      'unique_tag: "region:"',
    ),
    ...(routeUrls(options).length === 0 ? [] : cluster(options)),
    ...block(
      'leafnodes',
      listen(site, site.ports.leafnodes),
      'no_advertise: true',
      ...security(options),
    ),
  );
}

/** Of a hub voter: `hub-eu-west-1`, `hub-eu-west-1_2`. No name of a region has a `_`. */
export function voterName(region: string, instance = 1): string {
  return instance === 1 ? `hub-${region}` : `hub-${region}_${instance}`;
}

/**
 * Configuration of a region's leaf: its own JetStream domain (the region's name) holding
 * mirrors, and one link to the hub. `no_randomize`, or the server shuffles the remotes and
 * every leaf may end on one region.
 */
export function leafConfigText(options: ServerConfigOptions): string {
  const { site, tls } = checkedOptions(options);
  if (site.region === hubDomain) {
    throw new MeridianError(
      'reserved_region_name',
      `a region cannot be called "${hubDomain}": that is the name of the store's hub`,
    );
  }
  const { instance = 1 } = options;
  // No name of a region has a `_`, so no two domains are the same.
  const domain = instance === 1 ? site.region : `${site.region}_${instance}`;
  return lines(
    `server_name: ${quote(`leaf-${domain}`)}`,
    ...client(options, site.ports.leaf),
    ...leafAccounts(site.region, options, instance),
    ...block('jetstream', `domain: ${quote(domain)}`, ...storage(options)),
    ...block(
      'leafnodes',
      'reconnect: "500ms"',
      'remotes: [',
      ...block(
        '',
        `urls: ${listed(options, remotesSuffix, remoteUrls(options))}`,
        'no_randomize: true',
        'account: MERIDIAN',
        ...(tls ? block('tls', ...files(tls)) : []),
      ).map((line) => `  ${line}`),
      ']',
    ),
  );
}

/**
 * What the environment of a server's process must hold when its file was written with
 * `secretVariable`. The server parses each value as if it stood in the file, so texts are
 * quoted (a password of digits would be a number) and URLs are a list:
 *
 *   VARIABLE           "password"
 *   VARIABLE_ROUTES    ["nats-route://user:password@host:port", …]   a hub voter
 *   VARIABLE_REMOTES   ["nats-leaf://user:password@host:port", …]    a leaf
 */
export function serverEnvironment(
  kind: ServerKind,
  options: ServerConfigOptions & { readonly secret: string; readonly secretVariable: string },
): Readonly<Record<string, string>> {
  const { secret, secretVariable } = options;
  return {
    [secretVariable]: quote(checkedSecret(secret)),
    ...(kind === 'hub'
      ? { [secretVariable + routesSuffix]: list(routeUrls(options)) }
      : { [secretVariable + remotesSuffix]: list(remoteUrls(options)) }),
  };
}

const routesSuffix = '_ROUTES';
const remotesSuffix = '_REMOTES';

/** Name and tag, where clients are heard, and when a peer is given up. */
function client(options: ServerConfigOptions, port: number): string[] {
  const { site } = options;
  return [
    `server_tags: ${list([`region:${site.region}`])}`,
    listen(site, port),
    // A frozen peer (a black hole, not a closed connection) is given up after about 3 s.
    'ping_interval: "1s"',
    'ping_max: 2',
    'write_deadline: "2s"',
    ...security(options),
  ];
}

function listen({ listen, address }: StoreSite, port: number): string {
  return `listen: ${quote(`${listen ?? address}:${port}`)}`;
}

function storage({ storeDirectory, fileBytes = serverFileBytes }: ServerConfigOptions): string[] {
  return [
    `store_dir: ${quote(storeDirectory)}`,
    'sync_interval: always',
    'max_memory_store: 134217728',
    `max_file_store: ${fileBytes}`,
  ];
}

/**
 * Routes carry everything without any right being asked for. So who opens one proves more
 * than to belong to a region: it knows the secret, or its certificate names `hubName`.
 */
function cluster(options: ServerConfigOptions): string[] {
  const { site } = options;
  return block(
    'cluster',
    'name: "meridian-hub"',
    listen(site, site.ports.cluster),
    'no_advertise: true',
    `authorization { ${passwordText(options) ?? `user: ${quote(hubName)}`} }`,
    `routes: ${listed(options, routesSuffix, routeUrls(options))}`,
    ...security(options),
  );
}

/** Both sides show a certificate of the authority; without a secret it also says who they are. */
function security(options: ServerConfigOptions): string[] {
  const { tls } = options;
  if (!tls) return [];
  const mapped = passwordText(options) === undefined;
  return block('tls', ...files(tls), mapped ? 'verify_and_map: true' : 'verify: true');
}

function files({ ca, cert, key }: ServerTls): string[] {
  return [`ca_file: ${quote(ca)}`, `cert_file: ${quote(cert)}`, `key_file: ${quote(key)}`];
}

function routeUrls({ site, voters, secret }: ServerConfigOptions): string[] {
  return voters
    .filter(({ region }) => region !== site.region)
    .map((voter) => `nats-route://${credentials(secret)}${voter.address}:${voter.ports.cluster}`);
}

function remoteUrls({ site, voters, secret }: ServerConfigOptions): string[] {
  return nearestFirst(site, voters).map(
    (voter) => `nats-leaf://${credentials(secret)}${voter.address}:${voter.ports.leafnodes}`,
  );
}

/** URLs that hold a password stay out of the file when it is to hold none. */
function listed(
  { secretVariable }: ServerConfigOptions,
  suffix: string,
  urls: readonly string[],
): string {
  return secretVariable === undefined ? list(urls) : `$${secretVariable}${suffix}`;
}

/** @throws {MeridianError} `store_unprotected` */
function checkedOptions(options: ServerConfigOptions): ServerConfigOptions {
  if (passwordText(options) !== undefined || options.tls) return options;
  throw new MeridianError(
    'store_unprotected',
    'servers of the store need a secret, certificates, or both',
  );
}
