import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, createAuthority, issueRegionIdentity } from '../../src/link/authority.ts';
import type { LinkIdentity } from '../../src/link/identity.ts';
import {
  hubConfigText,
  leafConfigText,
  type ServerKind,
  type ServerTls,
  serverEnvironment,
} from '../../src/store/nats-server/config-text.ts';
import { checkNatsServer, findNatsServer } from '../../src/store/nats-server/find.ts';
import { identityName } from '../../src/store/nats-server/identities.ts';
import { hubVoters, type StorePorts, type StoreSite } from '../../src/store/nats-server/sites.ts';
import type { StoreOptions } from '../../src/store/open.ts';
import { DelayingRelay } from './delaying-relay.ts';
import { freePorts } from './free-ports.ts';
import { issueIdentities, writeIdentity } from './nats-identities.ts';
import { SmallDisks } from './small-disks.ts';

/**
 * Why no real servers can be started here, or `false`. In CI a missing nats-server is a
 * failure, not a skip: what is skipped there is tested nowhere.
 */
export function natsServerMissing(): string | false {
  try {
    findNatsServer();
    return false;
  } catch (error) {
    if (process.env.CI) throw error;
    return (error as Error).message;
  }
}

const secretVariable = 'MERIDIAN_STORE_SECRET';

interface ServerProcess {
  readonly kind: ServerKind;
  readonly region: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly environment: Readonly<Record<string, string>>;
  child: ChildProcess | undefined;
}

export interface NatsClusterOptions {
  readonly regions: readonly string[];
  readonly leaves: readonly string[];
  readonly secret?: string;
  readonly tls?: boolean;
  /** Puts relays with this delay, one way, between any two regions: then links can be cut. */
  readonly delayMs?: number;
  /** Gives each server a disk of its own, to fill and to cut the power of. Wants the right to mount. */
  readonly disks?: boolean;
  /** Changes the configuration of a server, as an operator might. */
  readonly edit?: (text: string, kind: ServerKind, region: string) => string;
}

interface Parts {
  readonly options: NatsClusterOptions;
  readonly authority: Authority;
  readonly identities: ReadonlyMap<string, LinkIdentity> | undefined;
  readonly links: readonly Link[];
  readonly disks: SmallDisks | undefined;
}

/** How the servers of one region reach the voter of another. */
interface Link {
  readonly from: string;
  readonly to: StoreSite;
  /** As seen from there. */
  readonly reached: StoreSite;
  readonly relays: readonly DelayingRelay[];
}

/**
 * Real hub voters and leaves on loopback addresses and free ports, with their data in a
 * temporary folder: the topology of a stack, for tests to kill, freeze and start again.
 */
export class NatsCluster {
  readonly sites: readonly StoreSite[];
  readonly secret: string | undefined;
  readonly #parts: Parts;
  /** Holds configuration, logs and data: `REGION/KIND/server.log`. */
  readonly directory: string;
  readonly #program: string;
  readonly #servers: readonly ServerProcess[];

  private constructor(
    program: string,
    directory: string,
    sites: readonly StoreSite[],
    parts: Parts,
  ) {
    this.#program = program;
    this.directory = directory;
    this.sites = sites;
    this.secret = parts.options.secret;
    this.#parts = parts;
    const voters = hubVoters(sites);
    const { leaves } = parts.options;
    this.#servers = sites.flatMap((site) => [
      ...(voters.includes(site) ? [this.#prepare('hub', site, voters)] : []),
      ...(leaves.includes(site.region) ? [this.#prepare('leaf', site, voters)] : []),
    ]);
  }

  /**
   * Starts a voter per region (by `hubVoters`) and a leaf in each of `leaves`. With a secret
   * they know each other by it; with `tls`, by certificates; with both, by both.
   */
  static async start(options: NatsClusterOptions): Promise<NatsCluster> {
    const program = findNatsServer();
    await checkNatsServer(program);
    const directory = mkdtempSync(join(tmpdir(), 'meridian-nats-'));
    const sites = await Promise.all(options.regions.map(freeSite));
    const authority = await createAuthority();
    const identities = options.tls ? await issueIdentities(authority, sites) : undefined;
    const links = options.delayMs === undefined ? [] : await relayLinks(sites, options.delayMs);
    const cluster = new NatsCluster(program, directory, sites, {
      options,
      authority,
      identities,
      links,
      disks: options.disks ? new SmallDisks() : undefined,
    });
    cluster.startAll();
    return cluster;
  }

  /** One way, between any two regions, from now on. */
  set delayMs(delayMs: number) {
    for (const { relays } of this.#parts.links) {
      for (const relay of relays) relay.delayMs = delayMs;
    }
  }

  /** Nothing comes from one region to the other any more, whoever made the connection; or again. */
  cut(from: string, to: string, isCut: boolean): void {
    for (const link of this.#parts.links) {
      const way = link.from === from && link.to.region === to ? 'forth' : 'back';
      if (way === 'back' && !(link.from === to && link.to.region === from)) continue;
      for (const relay of link.relays) relay.cut(way, isCut);
    }
  }

  /** Told of all that goes between servers of different regions, where there are relays, and who sent it. */
  onBytes(listener: (bytes: Buffer, from: Socket) => void): void {
    for (const { relays } of this.#parts.links) {
      for (const relay of relays) relay.onBytes = listener;
    }
  }

  /** For a node of the region. */
  storeOptions(region: string): StoreOptions & { engine: 'jetstream' } {
    const { length } = hubVoters(this.sites);
    return {
      engine: 'jetstream',
      servers: [this.leafUrl(region)],
      name: region,
      replicas: length as 1 | 3 | 5,
      secret: this.secret,
      tls: this.tlsOf(region),
      voters: this.secret === undefined ? [] : this.voterUrls,
    };
  }

  /** What proves a node of the region to its leaf, and the leaf to it. */
  tlsOf(region: string): (LinkIdentity & { serverName: string }) | undefined {
    const identity = this.#parts.identities?.get(region);
    return identity && { ...identity, serverName: identityName(region) };
  }

  get voterUrls(): string[] {
    return hubVoters(this.sites).map(({ address, ports }) => `nats://${address}:${ports.hub}`);
  }

  leafUrl(region: string): string {
    const site = this.sites.find((candidate) => candidate.region === region)!;
    return `nats://${site.address}:${site.ports.leaf}`;
  }

  startAll(): void {
    for (const { kind, region } of this.#servers) this.start(kind, region);
  }

  /** Starts a server that does not run, with the data that it left. */
  start(kind: ServerKind, region: string): void {
    const server = this.#find(kind, region);
    if (server.child !== undefined) return;
    const log = openSync(server.logFile, 'a');
    const child = spawn(this.#program, ['-c', server.configFile], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...server.environment },
    });
    server.child = child;
    child.once('exit', () => {
      if (server.child === child) server.child = undefined;
    });
  }

  /** Changes the configuration of a server from its next start on. */
  edit(kind: ServerKind, region: string, change: (text: string) => string): void {
    const { configFile } = this.#find(kind, region);
    writeFileSync(configFile, change(readFileSync(configFile, 'utf8')));
  }

  /** A certificate of the cluster's authority, which names the region and what else is said. */
  issue(region: string, names: readonly string[] = []): Promise<LinkIdentity> {
    return issueRegionIdentity(this.#parts.authority, region, { addresses: ['127.0.0.1'], names });
  }

  /** A server of somebody's own that wants to be a route of the hub. */
  async startRogue(identity: LinkIdentity): Promise<{ log(): string; stop(): Promise<void> }> {
    const directory = mkdtempSync(join(this.directory, 'rogue-'));
    const paths = writeIdentity(identity, directory);
    const files = `ca_file: "${paths.ca}", cert_file: "${paths.cert}", key_file: "${paths.key}"`;
    const { address, ports } = this.sites[0]!;
    const configFile = join(directory, 'server.conf');
    const [client, route] = await freePorts(2, '127.0.0.1');
    const routes = `["nats-route://${address}:${ports.cluster}"]`;
    writeFileSync(
      configFile,
      `server_name: rogue\nlisten: "127.0.0.1:${client}"\ncluster { name: "meridian-hub", ` +
        `listen: "127.0.0.1:${route}", routes: ${routes}, tls { ${files} } }\n`,
    );
    const logFile = join(directory, 'server.log');
    const log = openSync(logFile, 'a');
    const child = spawn(this.#program, ['-c', configFile], { stdio: ['ignore', log, log] });
    const stop = async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    };
    return { log: () => readFileSync(logFile, 'utf8'), stop };
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#servers.map(({ kind, region }) => this.kill(kind, region)));
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(kind: ServerKind, region: string): Promise<void> {
    const { child } = this.#find(kind, region);
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Of a server that does not run: its disk is lost. */
  forget(kind: ServerKind, region: string): void {
    rmSync(join(this.directory, region, kind, 'data'), { recursive: true, force: true });
  }

  /** SIGSTOP: from outside a black hole. */
  freeze(kind: ServerKind, region: string): void {
    this.#find(kind, region).child?.kill('SIGSTOP');
  }

  thaw(kind: ServerKind, region: string): void {
    this.#find(kind, region).child?.kill('SIGCONT');
  }

  /** The disk of a region's voter has no room left; or has again. Only with `disks`. */
  fillDisk(region: string, isFull: boolean): void {
    this.#parts.disks?.fill(this.#dataOf('hub', region), isFull);
  }

  /**
   * The servers of these regions end at once; with `disks`, what they had not brought to their
   * disks is gone.
   */
  async losePower(regions: readonly string[]): Promise<void> {
    const lost = this.#servers.filter(({ region }) => regions.includes(region));
    // Others may start some again meanwhile.
    while (lost.some(({ child }) => child !== undefined)) {
      await Promise.all(lost.map(({ kind, region }) => this.kill(kind, region)));
    }
    for (const { kind, region } of lost) this.#parts.disks?.losePower(this.#dataOf(kind, region));
  }

  async close(): Promise<void> {
    await this.killAll();
    await Promise.all(this.#parts.links.flatMap(({ relays }) => relays.map((one) => one.close())));
    this.#parts.disks?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #dataOf(kind: ServerKind, region: string): string {
    return join(this.directory, region, kind, 'data');
  }

  #find(kind: ServerKind, region: string): ServerProcess {
    const server = this.#servers.find((one) => one.kind === kind && one.region === region);
    if (!server) throw new Error(`no ${kind} server in ${region}`);
    return server;
  }

  #reached(from: StoreSite, voter: StoreSite): StoreSite {
    if (from === voter) return voter;
    const link = this.#parts.links.find(({ from: of, to }) => of === from.region && to === voter);
    return link?.reached ?? voter;
  }

  /** Voters tell each other where a third one is: nowhere, so that each takes its own relay. */
  #advertised(text: string, { address }: StoreSite): string {
    if (this.#parts.links.length === 0) return text;
    const advertise = `advertise: "${address}:9"`;
    return text.replace(/^(cluster|leafnodes) \{$/gm, (line) => `${line}\n  ${advertise}`);
  }

  #writeIdentity(region: string, directory: string): ServerTls | undefined {
    const identity = this.#parts.identities?.get(region);
    const regions = this.sites.map((site) => site.region);
    return identity && { ...writeIdentity(identity, directory), regions };
  }

  #prepare(kind: ServerKind, site: StoreSite, voters: readonly StoreSite[]): ServerProcess {
    const directory = join(this.directory, site.region, kind);
    mkdirSync(directory, { recursive: true });
    const text = kind === 'hub' ? hubConfigText : leafConfigText;
    const storeDirectory = join(directory, 'data');
    this.#parts.disks?.mount(storeDirectory);
    const configFile = join(directory, 'server.conf');
    const tls = this.#writeIdentity(site.region, directory);
    const reached = voters.map((voter) => this.#reached(site, voter));
    const options = { site, voters: reached, storeDirectory, tls };
    const { secret } = this;
    const { edit = (unchanged: string) => unchanged } = this.#parts.options;
    const generated = text(secret ? { ...options, secretVariable } : options);
    const advertised = this.#advertised(generated, site);
    writeFileSync(configFile, edit(advertised, kind, site.region));
    return {
      kind,
      region: site.region,
      configFile,
      logFile: join(directory, 'server.log'),
      environment: secret ? serverEnvironment(kind, { ...options, secret, secretVariable }) : {},
      child: undefined,
    };
  }
}

function relayLinks(sites: readonly StoreSite[], delayMs: number): Promise<Link[]> {
  const pairs = sites.flatMap((from) => sites.filter((to) => to !== from).map((to) => [from, to]));
  return Promise.all(
    pairs.map(async ([from, to]) => {
      const { address: host, ports } = to!;
      const start = (port: number) => DelayingRelay.start(host, { host, port }, delayMs);
      const [cluster, leafnodes] = await Promise.all([
        start(ports.cluster),
        start(ports.leafnodes),
      ]);
      const farPorts = { ...ports, cluster: cluster.port, leafnodes: leafnodes.port };
      const reached = { ...to!, ports: farPorts };
      return { from: from!.region, to: to!, reached, relays: [cluster, leafnodes] };
    }),
  );
}

/**
 * A site on a loopback address of its own. Its ports are none that the kernel gives away: relays
 * and connections begin before its servers do, and while one of them is down.
 */
export async function freeSite(region: string, index: number): Promise<StoreSite> {
  const address = `127.0.${index + 1}.1`;
  const [leaf, hub, cluster, leafnodes] = await freePorts(4, address);
  const ports = { leaf, hub, cluster, leafnodes } as StorePorts;
  return { region, address, location: { latitude: 0, longitude: index * 40 }, ports };
}
