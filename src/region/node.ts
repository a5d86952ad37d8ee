import { type AdminServer, createAdminServer } from '../admin/server.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { ExclusiveLock } from '../base/exclusive-lock.ts';
import { compileTopology } from '../config/topology.ts';
import { createHealth } from '../health/create-health.ts';
import type { Health } from '../health/health.ts';
import { HealthTable } from '../health/table.ts';
import type { Log } from '../observability/log.ts';
import { openStore, storeOptionsFor } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { type Configuration, chooseConfiguration } from './configuration.ts';
import { DataPlane } from './data-plane.ts';
import { drainTimeMs } from './drain-time.ts';
import { decidedStates, logHealthChange } from './health-view.ts';
import { LastHealthFile } from './last-health.ts';
import { bindAddress, portNeeds } from './listeners.ts';
import { createNodeView } from './node-view.ts';
import { provePortsFree } from './ports.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { takeStateDirectory } from './state-directory.ts';
import { StoreReporter } from './store-reporter.ts';

export interface NodeOptions {
  readonly region: string;
  /** Without it the node starts from the snapshot in its state directory. */
  readonly configPath: string | undefined;
  /** Holds snapshots, last health and the access log; made when missing, mode 0700. */
  readonly stateDirectory: string;
  /** What changes over the admin API must present; without it nothing can be changed. */
  readonly adminToken: string | undefined;
  /** Password of the store's servers, where they have one. */
  readonly storeSecret?: string | undefined;
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
   * Leaves gracefully: look-ups stop naming the region at once, requests are served until
   * no resolver can hold an old answer, then everything closes.
   */
  drainAndClose(): Promise<void>;
  /** Goes on in new log files, after the old ones were renamed. */
  reopenLogs(): void;
  /** Ends at once. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts one node of a region. Resolves when its threads listen; the store and the other
 * regions are not waited for.
 *
 * @throws MeridianError that names what is wrong: configuration, certificates, ports,
 *   state directory. Nothing is left running then.
 */
export async function startNode(options: NodeOptions): Promise<RegionNode> {
  const { region, stateDirectory, clock = systemClock } = options;
  const lock = await takeStateDirectory(stateDirectory);
  try {
    const snapshots = new SnapshotFiles(stateDirectory);
    const { configPath } = options;
    const configuration = await chooseConfiguration(region, configPath, stateDirectory, snapshots);
    const { config, material } = configuration;
    await provePortsFree(portNeeds(config, region, material));
    const node = new RunningNode(options, clock, lock, configuration);
    await node.start(snapshots);
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
  readonly #configuration: Configuration;
  readonly #degraded: string[];
  readonly #lastHealth: LastHealthFile;
  readonly #ended = Promise.withResolvers<void>();
  #phase: 'starting' | 'serving' | 'draining' | 'closed' = 'starting';
  #health: Health | undefined;
  #dataPlane: DataPlane | undefined;
  #store: Store | undefined;
  #reporter: StoreReporter | undefined;
  #admin: AdminServer | undefined;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    options: NodeOptions,
    clock: Clock,
    lock: ExclusiveLock,
    configuration: Configuration,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#lock = lock;
    this.#configuration = configuration;
    this.#degraded = [...configuration.degraded];
    this.#lastHealth = new LastHealthFile(options.stateDirectory, clock);
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get adminPort(): number {
    return this.#admin?.port ?? 0;
  }

  async start(snapshots: SnapshotFiles): Promise<void> {
    try {
      await this.#startParts();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#phase = 'serving';
    await this.#keepSnapshot(snapshots);
    for (const sentence of this.#degraded) this.#options.log.warn(sentence);
    const { revision, source } = this.#configuration;
    this.#options.log.info('serving', { revision, source, node: this.#options.region });
  }

  async #startParts(): Promise<void> {
    const { region, log, stateDirectory, adminToken, storeSecret } = this.#options;
    const { config, material } = this.#configuration;
    const clock = this.#clock;
    const topology = compileTopology(config);
    const table = new HealthTable(topology);
    const health = createHealth({
      config,
      topology,
      region,
      node: region,
      table,
      clock,
      identity: material.identity,
      restored: await this.#lastHealth.read(),
      onChange: (change) => logHealthChange(log, change),
    });
    this.#health = health;
    const dataPlane = new DataPlane({
      region,
      configuration: this.#configuration,
      stateDirectory,
      health: table,
      clock,
      handlers: {
        onFrame: (peerRegion, bytes) => health.receiveFrame(peerRegion, bytes),
        onWarning: (message) => log.warn(message),
        onDeath: (role, index, reason) => log.error('thread died', { role, index, reason }),
      },
    });
    this.#dataPlane = dataPlane;
    await dataPlane.start();
    health.start();
    this.#lastHealth.keep(() => health.exportState());
    const store = openStore(storeOptionsFor(config, region, region, storeSecret), clock);
    this.#store = store;
    const view = createNodeView({
      options: this.#options,
      configuration: this.#configuration,
      topology,
      table,
      health,
      dataPlane,
      store,
      clock,
      degraded: this.#degraded,
      phase: () => this.#phase,
      drain: () => void this.drainAndClose(),
    });
    this.#reporter = new StoreReporter(store, region, region, clock);
    this.#reporter.start(
      () => view.status(),
      () => decidedStates(health.states()),
    );
    this.#admin = await createAdminServer({
      host: bindAddress(config, region),
      port: config.ports.admin,
      token: adminToken,
      view,
      onFailure: (error) => log.error('admin API', { error }),
    });
  }

  /** What was built and serves is what a restart may start from. */
  async #keepSnapshot(snapshots: SnapshotFiles): Promise<void> {
    const { source, config, revision, sequence, material } = this.#configuration;
    if (source === 'snapshot') return;
    const { region } = this.#options;
    const writtenAtMs = this.#clock.wallMs();
    try {
      await snapshots.write({ region, revision, sequence, writtenAtMs, config, material });
    } catch (error) {
      this.#degraded.push(`the snapshot could not be written: ${messageOf(error)}`);
    }
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
    const timeMs = drainTimeMs(this.#configuration.config);
    this.#options.log.info('draining', { timeMs });
    this.#health?.setDraining(true);
    this.#dataPlane?.drain();
    await new Promise<void>((resolve) => this.#clock.after(timeMs, resolve));
    await this.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const hadServed = this.#phase !== 'starting';
    this.#phase = 'closed';
    this.#reporter?.close();
    const state = this.#health?.exportState();
    await Promise.all([this.#admin?.close(), this.#dataPlane?.close(), this.#store?.close()]);
    this.#health?.close();
    // A start that failed has learned nothing: what the disk says keeps its age.
    if (state !== undefined && hadServed) await this.#lastHealth.close(state);
    await this.#lock.release();
    this.#options.log.info('closed');
    this.#ended.resolve();
  }
}
