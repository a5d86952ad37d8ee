import { type AdminServer, createAdminServer } from '../admin/server.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import type { ExclusiveLock } from '../base/exclusive-lock.ts';
import { createHealth } from '../health/create-health.ts';
import type { Health } from '../health/health.ts';
import type { Log } from '../observability/log.ts';
import { Revisions } from '../revisions/revisions.ts';
import { overwriteRegisters } from '../secrets/core-dumps.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import { Secrets } from '../secrets/secrets.ts';
import { appliedShifts } from '../shifts/shift.ts';
import { isLatencyFrame } from '../steering/latency/latency-frame.ts';
import { hubShapeFor, openStore, storeOptionsFor } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { Configuration } from './configuration/configuration.ts';
import type { ConfigurationSource } from './configuration/configuration-source.ts';
import { FileSource } from './configuration/file-source.ts';
import { bundleOf, LiveConfiguration } from './configuration/live-configuration.ts';
import { StalenessWatch } from './configuration/staleness-watch.ts';
import { StoreSource } from './configuration/store-source.ts';
import { type Marks, marksOf } from './configuration/watched-files.ts';
import { DataService } from './data/data-service.ts';
import { DataPlane, type DataPlaneOptions } from './data-plane/data-plane.ts';
import { type Generation, nextGeneration } from './data-plane/generation.ts';
import { portNeeds } from './data-plane/listeners.ts';
import { provePortsFree } from './data-plane/ports.ts';
import { drainTimeMs } from './drain-time.ts';
import { NodeExclusive } from './exclusive/node-exclusive.ts';
import { MeasuredLatency } from './latency/measured-latency.ts';
import { LastShiftsFile } from './shifts/last-shifts.ts';
import { NodeShifts } from './shifts/node-shifts.ts';
import { LastHealthFile } from './start/last-health.ts';
import type { Peer } from './start/peers.ts';
import { SnapshotFiles } from './start/snapshot-files.ts';
import { SnapshotKeeper } from './start/snapshot-keeper.ts';
import { chooseStart } from './start/starting-point.ts';
import { takeStateDirectory } from './start/state-directory.ts';
import { ZoneTransfers } from './transfers/zone-transfers.ts';
import { decidedStates, logHealthChange } from './views/health-view.ts';
import { createNodeView } from './views/node-view.ts';
import { StoreReporter } from './views/store-reporter.ts';

export interface NodeOptions {
  readonly region: string;
  /** Name of the node in its region; may be left out where the region has one. */
  readonly node?: string | undefined;
  /** Without it the node starts from its snapshot, a peer's copy or a bundle. */
  readonly configPath: string | undefined;
  /** Holds snapshots, last health and the access log; made when missing, mode 0700. */
  readonly stateDirectory: string;
  /** An event that makes the configuration file a revision of the store, once. */
  readonly seed?: string | undefined;
  /** Nodes to ask for a copy of the configuration. */
  readonly join?: readonly Peer[] | undefined;
  /** An exported bundle to start from when nobody can be asked. */
  readonly bundlePath?: string | undefined;
  /** What changes over the admin API must present; without it nothing can be changed. */
  readonly adminToken: string | undefined;
  /** Password of the store's servers, where they have one. */
  readonly storeSecret?: string | undefined;
  /** Opens what is sealed, and seals what is written. */
  readonly ring?: KeyRing | undefined;
  /** Of Meridian. */
  readonly version: string;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface RegionNode {
  /** Port of the admin API. */
  readonly adminPort: number;
  /** Resolves when the node has closed, on whose word ever. */
  readonly ended: Promise<void>;
  /**
   * Leaves gracefully: look-ups stop naming the node at once, requests are served until
   * no resolver can hold an old answer, then everything closes.
   */
  drainAndClose(): Promise<void>;
  /** Takes the configuration in anew, and the certificates that it names. */
  reload(): void;
  /** Goes on in new log files, after the old ones were renamed. */
  reopenLogs(): void;
  /** Ends at once. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts one node of a region. Resolves when its threads listen; the store and the other
 * regions are not waited for.
 *
 * @throws MeridianError that names what is wrong: configuration, certificates, keys, ports,
 *   state directory. Nothing is left running then.
 */
export async function startNode(options: NodeOptions): Promise<RegionNode> {
  const { stateDirectory, clock = systemClock } = options;
  const lock = await takeStateDirectory(stateDirectory);
  try {
    const files = new SnapshotFiles(stateDirectory);
    const seen = options.configPath === undefined ? undefined : await marksOf([options.configPath]);
    const configuration = await chooseStart({
      region: options.region,
      node: options.node,
      configPath: options.configPath,
      stateDirectory,
      seed: options.seed,
      join: options.join ?? [],
      bundlePath: options.bundlePath,
      ring: options.ring,
      snapshots: files,
    });
    await provePortsFree(
      portNeeds(configuration.config, configuration.own, configuration.material),
    );
    const node = new RunningNode(options, clock, lock, files, seen);
    await node.start(configuration);
    return node;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

class RunningNode implements RegionNode {
  readonly #options: NodeOptions;
  readonly #clock: Clock;
  readonly #lock: ExclusiveLock;
  readonly #snapshots: SnapshotKeeper;
  readonly #lastHealth: LastHealthFile;
  readonly #shiftsFile: LastShiftsFile;
  /** The configuration file, before it was read. */
  readonly #seen: Marks | undefined;
  readonly #ended = Promise.withResolvers<void>();
  /** What was started, to be closed in this order. */
  readonly #parts: { close(): unknown }[] = [];
  #phase: 'starting' | 'serving' | 'draining' | 'closed' = 'starting';
  #nodeShifts: NodeShifts | undefined;
  #health: Health | undefined;
  #transfers: ZoneTransfers | undefined;
  #dataPlane: DataPlane | undefined;
  #data: DataService | undefined;
  #store: Store | undefined;
  #exclusive: NodeExclusive | undefined;
  #latency: MeasuredLatency | undefined;
  #live: LiveConfiguration | undefined;
  #source: ConfigurationSource | undefined;
  #staleness: StalenessWatch | undefined;
  #admin: AdminServer | undefined;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    options: NodeOptions,
    clock: Clock,
    lock: ExclusiveLock,
    files: SnapshotFiles,
    seen: Marks | undefined,
  ) {
    const { ring, log, stateDirectory } = options;
    this.#options = options;
    this.#clock = clock;
    this.#lock = lock;
    this.#snapshots = new SnapshotKeeper({ files, ring, clock, log });
    this.#lastHealth = new LastHealthFile(stateDirectory, clock);
    this.#shiftsFile = new LastShiftsFile(stateDirectory);
    this.#seen = seen;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get adminPort(): number {
    return this.#admin?.port ?? 0;
  }

  async start(configuration: Configuration): Promise<void> {
    const { stateDirectory } = this.#options;
    try {
      const parts = { stateDirectory, clock: this.#clock, log: this.#options.log };
      this.#transfers = await ZoneTransfers.load(parts, configuration);
      this.#parts.push(this.#transfers);
      const { served } = this.#transfers;
      await this.#startServing(nextGeneration(undefined, configuration, 1, served));
      await this.#startControl(configuration);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#phase = 'serving';
    if (configuration.source !== 'snapshot') await this.#snapshots.write(configuration);
    const { log } = this.#options;
    for (const sentence of configuration.degraded) log.warn(sentence);
    const { hash: revision, source, own } = configuration;
    log.info('serving', { revision, source, node: own.node });
    overwriteRegisters();
    this.#source?.start();
    this.#nodeShifts?.start();
  }

  /** What clients need. */
  async #startServing(next: Generation): Promise<void> {
    const { log, stateDirectory, region, node, ring } = this.#options;
    const { configuration, topology, table } = next;
    const { config, own, material } = configuration;
    const clock = this.#clock;
    const health = createHealth({
      config,
      topology,
      region,
      node: own.node,
      table,
      clock,
      identity: material.identity,
      authorities: material.probeAuthorities,
      traffic: () => this.#dataPlane?.traffic(),
      restored: await this.#lastHealth.read(),
      onChange: (change) => logHealthChange(log, change),
    });
    this.#health = health;
    const handlers: DataPlaneOptions['handlers'] = {
      onFrame: (peerRegion, bytes) => {
        if (isLatencyFrame(bytes)) this.#latency?.receiveFrame(peerRegion, bytes);
        else health.receiveFrame(peerRegion, bytes);
      },
      onReports: (batch) => this.#latency?.receiveReports(batch),
      onWarning: (message) => log.warn(message),
      onNotify: (zone, source) => this.#transfers?.notified(zone, source),
      onDeath: (role, index, reason) => log.error('thread died', { role, index, reason }),
    };
    const bundle = await bundleOf(configuration);
    const shifts = appliedShifts(await this.#shiftsFile.read());
    if (this.#shiftsFile.trouble !== undefined) log.warn(this.#shiftsFile.trouble);
    let first = next;
    const dataPlane = await this.#transfers!.startWith(async (transferred) => {
      first = { ...next, transferred };
      await this.#dataPlane?.close();
      const parts = { generation: first, bundle, stateDirectory, clock, shifts };
      this.#dataPlane = new DataPlane({ ...parts, handlers });
      await this.#dataPlane.start();
      return this.#dataPlane;
    });
    health.start();
    this.#lastHealth.keep(() => health.exportState());
    const context = { region, node, stateDirectory, ring };
    const snapshots = this.#snapshots;
    const live = new LiveConfiguration({
      ...{ first, context, dataPlane, snapshots, clock, log },
      onServing: (configuration) => {
        this.#transfers?.update(configuration);
        this.#data?.use(configuration);
        this.#store?.adjust(hubShapeFor(configuration.config, region, this.#options.storeSecret));
      },
      health: {
        update: (next) => {
          health.update(next);
          this.#exclusive?.update(next);
        },
      },
    });
    this.#live = live;
    this.#transfers?.start((zones) => live.serveTransferred(zones));
    this.#latency = new MeasuredLatency({
      ...{ region, node: own.node, stateDirectory, tellers: health, log, clock },
      config: () => live.configuration.config,
      onCells: (cells) => dataPlane.useMeasured(cells),
    });
    void this.#latency.start();
  }

  /** What operators and other nodes need. */
  async #startControl({ config, own, material, seed }: Configuration): Promise<void> {
    const { log, stateDirectory, adminToken, storeSecret, configPath, ring } = this.#options;
    const clock = this.#clock;
    const live = this.#live!;
    const health = this.#health!;
    const storeName = own.node === own.region ? own.region : `${own.region}.${own.node}`;
    const storeOptions = (name: string) =>
      storeOptionsFor(config, own.region, name, storeSecret, material.identity);
    const store = openStore(storeOptions(storeName), clock);
    this.#store = store;
    this.#parts.push(store);
    this.#data = new DataService({ store: storeOptions, node: storeName, clock, log });
    this.#data.use(live.configuration);
    const exclusive = new NodeExclusive({
      ...{ store, health, own, clock, log, ...live.generation, config },
      leaving: () => this.#isLeaving,
    });
    this.#exclusive = exclusive;
    const revisions = new Revisions(store, clock);
    const secrets = new Secrets({ store, ring, clock });
    const source =
      config.store.engine === 'memory'
        ? new FileSource({ path: configPath, seen: this.#seen, live, stateDirectory, clock })
        : new StoreSource({
            ...{ revisions, secrets, live, stateDirectory, configPath, seed, clock, log },
          });
    this.#source = source;
    const nodeShifts = new NodeShifts({
      ...{ store, live, dataPlane: this.#dataPlane!, file: this.#shiftsFile, clock, log },
      rolling: () => source.head?.rollout?.state === 'running',
    });
    this.#nodeShifts = nodeShifts;
    this.#staleness = new StalenessWatch({
      clock,
      rule: () => live.configuration.config.staleness,
      staleForMs: () => source.staleForMs(),
      onWithdraw: () => this.#tellDraining(),
    });
    const view = createNodeView({
      options: this.#options,
      live,
      health,
      exclusive,
      dataPlane: this.#dataPlane!,
      data: this.#data,
      latency: this.#latency!,
      ...{ store, revisions, secrets, nodeShifts, source },
      snapshots: this.#snapshots,
      staleness: this.#staleness,
      transfers: this.#transfers,
      clock,
      phase: () => this.#phase,
      drain: () => void this.drainAndClose(),
    });
    const reporter = new StoreReporter(store, own, clock);
    reporter.start(
      () => view.status(),
      () => decidedStates(health.states()),
      (error) => log.error('status', { error }),
    );
    this.#parts.push(source, this.#staleness, reporter, nodeShifts);
    this.#admin = await createAdminServer({
      host: own.bind,
      port: config.ports.admin,
      token: adminToken,
      view,
      onFailure: (error) => log.error('admin API', { error }),
    });
  }

  reload(): void {
    this.#source?.refresh();
  }

  reopenLogs(): void {
    this.#dataPlane?.reopenLogs();
  }

  drainAndClose(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  async #drain(): Promise<void> {
    if (this.#phase !== 'serving') return this.close();
    this.#phase = 'draining';
    const timeMs = drainTimeMs(this.#live!.configuration.config);
    this.#options.log.info('draining', { timeMs });
    this.#tellDraining();
    this.#dataPlane?.drain(true);
    await new Promise<void>((resolve) => this.#clock.after(timeMs, resolve));
    await this.close();
  }

  /** Who stops, and who withdraws because it may be out of date, leaves clients to others. */
  #tellDraining(): void {
    this.#health?.setDraining(this.#isLeaving);
  }

  get #isLeaving(): boolean {
    return (this.#staleness?.withdrawn ?? false) || this.#phase === 'draining';
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const hadServed = this.#phase !== 'starting';
    this.#phase = 'closed';
    const state = this.#health?.exportState();
    await this.#exclusive?.close();
    await Promise.all([
      this.#admin?.close(),
      this.#live?.settled(),
      this.#latency?.close(),
      ...this.#parts.map((part) => part.close()),
    ]);
    await this.#dataPlane?.close();
    await this.#data?.close(); // its services have answered the last requests
    this.#health?.close();
    await this.#snapshots.close();
    // A start that failed has learned nothing: what the disk says keeps its age.
    if (state !== undefined && hadServed) await this.#lastHealth.close(state);
    await this.#lock.release();
    this.#options.log.info('closed');
    this.#ended.resolve();
  }
}
