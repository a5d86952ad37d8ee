import { MeridianError } from '../../base/errors.ts';
import { hubDomain } from './domain.ts';
import { nearestFirst, type StoreSite } from './sites.ts';

export interface ServerConfigOptions {
  /** The region whose server this is. */
  readonly site: StoreSite;
  /** Every voter of the hub (`hubVoters`), in any order. */
  readonly voters: readonly StoreSite[];
  /** Folder for the server's data, absolute. Made by the server. */
  readonly storeDirectory: string;
  /**
   * Shared password of clients, routes and leaves. Goes into the file, which must then be
   * readable by its owner only. Letters, digits, `-` and `_`, at least 16 of them.
   */
  readonly secret?: string | undefined;
  /**
   * Name of an environment variable. With it the file holds no secret: it refers to the
   * variables that `serverEnvironment` gives for the server's process.
   */
  readonly secretVariable?: string | undefined;
}

export type ServerKind = 'hub' | 'leaf';

/** User name that goes with `secret`. */
export const storeUser = 'meridian';

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
  const { site } = options;
  const routes = routeUrls(options);
  return lines(
    `server_name: ${quote(`hub-${site.region}`)}`,
    `server_tags: [${quote(`region:${site.region}`)}]`,
    `listen: ${quote(`${site.address}:${site.ports.hub}`)}`,
    ...liveness,
    ...authorization(options),
    'jetstream {',
    `  domain: ${quote(hubDomain)}`,
    ...storage(options.storeDirectory),
    '  unique_tag: "region:"',
    '}',
    ...(routes.length === 0 ? [] : cluster(site, listed(options, routesSuffix, routes), options)),
    'leafnodes {',
    `  listen: ${quote(`${site.address}:${site.ports.leafnodes}`)}`,
    '  no_advertise: true',
    ...authorization(options).map((line) => `  ${line}`),
    '}',
  );
}

/**
 * Configuration of a region's leaf: its own JetStream domain (the region's name) holding
 * mirrors, and one link to the hub. `no_randomize`, or the server shuffles the remotes and
 * every leaf may end on one region.
 */
export function leafConfigText(options: ServerConfigOptions): string {
  const { site } = options;
  if (site.region === hubDomain) {
    throw new MeridianError(
      'reserved_region_name',
      `a region cannot be called "${hubDomain}": that is the name of the store's hub`,
    );
  }
  const urls = listed(options, remotesSuffix, remoteUrls(options));
  return lines(
    `server_name: ${quote(`leaf-${site.region}`)}`,
    `server_tags: [${quote(`region:${site.region}`)}]`,
    `listen: ${quote(`${site.address}:${site.ports.leaf}`)}`,
    ...liveness,
    ...authorization(options),
    'jetstream {',
    `  domain: ${quote(site.region)}`,
    ...storage(options.storeDirectory),
    '}',
    'leafnodes {',
    '  reconnect: "1s"',
    '  remotes: [',
    `    { urls: ${urls}, no_randomize: true }`,
    '  ]',
    '}',
  );
}

/** A frozen peer (a black hole, not a closed connection) is given up after about 3 s. */
const liveness = ['ping_interval: "1s"', 'ping_max: 2', 'write_deadline: "2s"'];

function storage(directory: string): string[] {
  return [
    `  store_dir: ${quote(directory)}`,
    '  sync_interval: always',
    '  max_memory_store: 134217728',
    '  max_file_store: 8589934592',
  ];
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
  const inFile = { ...options, secretVariable: undefined };
  return {
    [secretVariable]: quote(checked(secret)),
    ...(kind === 'hub'
      ? { [secretVariable + routesSuffix]: list(routeUrls(inFile)) }
      : { [secretVariable + remotesSuffix]: list(remoteUrls(inFile)) }),
  };
}

const routesSuffix = '_ROUTES';
const remotesSuffix = '_REMOTES';

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

function list(texts: readonly string[]): string {
  return `[${texts.map(quote).join(', ')}]`;
}

function cluster(site: StoreSite, routes: string, options: ServerConfigOptions): string[] {
  return [
    'cluster {',
    '  name: "meridian-hub"',
    `  listen: ${quote(`${site.address}:${site.ports.cluster}`)}`,
    '  no_advertise: true',
    ...authorization(options).map((line) => `  ${line}`),
    `  routes: ${routes}`,
    '}',
  ];
}

function authorization({ secret, secretVariable }: ServerConfigOptions): string[] {
  if (secret === undefined && secretVariable === undefined) return [];
  const password =
    secretVariable === undefined ? quote(checked(secret!)) : `$${checkedVariable(secretVariable)}`;
  return [`authorization { user: ${quote(storeUser)}, password: ${password} }`];
}

function credentials(secret: string | undefined): string {
  return secret === undefined ? '' : `${storeUser}:${checked(secret)}@`;
}

function checked(secret: string): string {
  if (/^[A-Za-z0-9_-]{16,}$/.test(secret)) return secret;
  throw new MeridianError(
    'invalid_store_secret',
    'the secret of the store must be at least 16 of A-Z, a-z, 0-9, "-" and "_"',
  );
}

function checkedVariable(name: string): string {
  if (/^[A-Z][A-Z0-9_]*$/.test(name)) return name;
  throw new MeridianError(
    'invalid_store_secret',
    `${JSON.stringify(name)} is not a name for an environment variable: expected A-Z, 0-9 and "_"`,
  );
}

/**
 * A double-quoted string of the nats-server configuration language. Its escapes are
 * `\\`, `\"`, `\t`, `\n`, `\r` and `\xHH`; nothing else may follow a backslash.
 */
export function quote(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, (character) => `\\${character}`)
    .replace(/[\x00-\x1f\x7f]/g, (character) => {
      return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`;
    });
  return `"${escaped}"`;
}

function lines(...text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}
