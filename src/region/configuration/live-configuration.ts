import type { Clock } from '../../base/clock.ts';
import { codeOf, MeridianError, messageOf } from '../../base/errors.ts';
import { restartOnly } from '../../config/diff.ts';
import type { TransferredZones } from '../../dns/transfer/zone-image.ts';
import type { Health } from '../../health/health.ts';
import { planHealth } from '../../health/plan.ts';
import type { Log } from '../../observability/log.ts';
import { encodeBundle } from '../../revisions/bundle.ts';
import { overwriteRegisters } from '../../secrets/core-dumps.ts';
import { isPassingStoreError } from '../../store/errors.ts';
import type { DataPlane } from '../data-plane/data-plane.ts';
import { type Generation, nextGeneration } from '../data-plane/generation.ts';
import { portNeeds } from '../data-plane/listeners.ts';
import { type PortNeed, provePortsFree } from '../data-plane/ports.ts';
import type { SnapshotKeeper } from '../start/snapshot-keeper.ts';
import { type AssemblyContext, assemble } from './assemble.ts';
import { type Accepted, type Configuration, sequenceOf } from './configuration.ts';

/** UTF-16 code units. */
const longestReason = 3_000;

/** A revision that a node is to run. */
export interface Offer {
  /** For messages: `revision 12`, or a file. */
  readonly place: string;
  /** Fetches and validates it. */
  accept(): Promise<Accepted>;
  /** Monotonic time at which the node heard of it. */
  readonly heardAtMs: number;
}

export type ChangeOutcome =
  | { readonly kind: 'serving'; readonly configuration: Configuration }
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly reason: string;
      readonly error: unknown;
    };

export interface LiveConfigurationOptions {
  readonly first: Generation;
  readonly context: AssemblyContext;
  readonly health: Pick<Health, 'update'>;
  readonly dataPlane: Pick<DataPlane, 'prepare' | 'prepareZones'>;
  readonly snapshots: Pick<SnapshotKeeper, 'write'>;
  /** Told of each configuration that came to serve after the first. */
  readonly onServing?: (configuration: Configuration) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * What a node serves, and the only way to change it. One change after the other:
 *
 *   accept ─▶ assemble ─▶ ports free? ─▶ prepared in every thread ─▶ commit ─▶ snapshot
 *     │           │            │                 │                   (cannot fail)
 *     └───────────┴────────────┴─────────────────┴──▶ refused: what served serves on
 */
export class LiveConfiguration {
  readonly #options: LiveConfigurationOptions;
  /** What listeners and threads of the process were made for. */
  readonly #started: Configuration;
  #generation: Generation;
  /** Of the newest generation, whether or not it came to serve. */
  #number: number;
  #changing: Promise<unknown> = Promise.resolve();
  #durationMs: number | undefined;

  constructor(options: LiveConfigurationOptions) {
    this.#options = options;
    this.#started = options.first.configuration;
    this.#generation = options.first;
    this.#number = options.first.number;
  }

  get generation(): Generation {
    return this.#generation;
  }

  get configuration(): Configuration {
    return this.#generation.configuration;
  }

  /** From hearing of a revision to serving it, the last time; `undefined`: not since the start. */
  get durationMs(): number | undefined {
    return this.#durationMs;
  }

  /** What of the present configuration takes effect at the next start only, a sentence each. */
  get pendingRestart(): readonly string[] {
    const { config, own } = this.configuration;
    return restartOnly(this.#started.config, config, own);
  }

  /** Never rejects: a refusal is an outcome. */
  change(offer: Offer): Promise<ChangeOutcome> {
    const outcome = this.#changing.then(() => this.#change(offer)).finally(overwriteRegisters);
    this.#changing = outcome;
    return outcome;
  }

  /**
   * Name servers serve these in the place of the zones from elsewhere that they had. Rejects with why
   * they cannot; what served serves on.
   *
   * @param zones asked for when it is their turn
   */
  serveTransferred(zones: () => TransferredZones): Promise<void> {
    const served = this.#changing.then(async () => {
      const next = { ...this.#generation, number: ++this.#number, transferred: zones() };
      const prepared = await this.#options.dataPlane.prepareZones(next);
      prepared.commit();
      this.#generation = next;
    });
    this.#changing = served.catch(() => undefined).finally(overwriteRegisters);
    return served;
  }

  /** Resolves when no change is under way. */
  async settled(): Promise<void> {
    await this.#changing;
  }

  async #change({ place, accept, heardAtMs }: Offer): Promise<ChangeOutcome> {
    const { context, clock, log } = this.#options;
    try {
      const accepted = await accept();
      const { locator: keptLocator } = this.configuration;
      const options = { place, geoRequired: true, keptLocator };
      const configuration = await assemble(accepted, context, options);
      await this.#swap(configuration);
    } catch (error) {
      const reason = bounded(messageOf(error));
      if (isPassingStoreError(error)) log.warn('revision could not be fetched', { place, reason });
      else log.error('revision refused', { place, reason });
      return { kind: 'refused', code: codeOf(error) ?? 'internal_error', reason, error };
    }
    this.#durationMs = clock.monotonicMs() - heardAtMs;
    const { configuration } = this;
    const { hash: revision, source } = configuration;
    const durationMs = Math.round(this.#durationMs);
    log.info('serving', { revision, sequence: sequenceOf(configuration), source, durationMs });
    for (const sentence of configuration.degraded) log.warn(sentence);
    this.#options.onServing?.(configuration);
    await this.#options.snapshots.write(configuration);
    return { kind: 'serving', configuration };
  }

  async #swap(configuration: Configuration): Promise<void> {
    const { health, dataPlane } = this.#options;
    const { config, own, material } = configuration;
    const next = nextGeneration(this.#generation, configuration, ++this.#number);
    assertObservable(next);
    await provePortsFree(this.#newPorts(configuration));
    const prepared = await dataPlane.prepare(next, await bundleOf(configuration));
    try {
      const { topology, table } = next;
      const { identity, probeAuthorities: authorities = {} } = material;
      health.update({ config, topology, table, identity, authorities, node: own.node });
    } catch (error) {
      prepared.abandon();
      throw error;
    }
    prepared.commit();
    this.#generation = next;
  }

  /** The ports that no listener of this node holds yet; the admin API stays where it is. */
  #newPorts(configuration: Configuration): PortNeed[] {
    const keyOf = ({ host, port, transport }: PortNeed) => `${transport} ${host}:${port}`;
    const needsOf = ({ config, own, material }: Configuration) =>
      portNeeds(config, own, material).filter(({ purpose }) => purpose !== 'admin');
    const held = new Set(needsOf(this.configuration).map(keyOf));
    return needsOf(configuration).filter((need) => !held.has(keyOf(need)));
  }
}

/** A document with a hundred thousand mistakes would fill the log, and no report of the node could be kept. */
function bounded(reason: string): string {
  if (reason.length <= longestReason) return reason;
  return `${reason.slice(0, longestReason).toWellFormed()}… (${reason.length} characters in all)`;
}

/** What nodes that start with nothing are given; only what the store knows is passed on. */
export async function bundleOf(accepted: Accepted): Promise<Uint8Array | undefined> {
  const { info, document, secrets } = accepted;
  return info && encodeBundle({ info, document, secrets });
}

/** The one thing about health that can fail, before anything is swapped. */
function assertObservable({ configuration: { config, own }, topology }: Generation): void {
  try {
    planHealth(config, topology, own.region, own.node);
  } catch (cause) {
    throw new MeridianError('health_impossible', messageOf(cause), { cause });
  }
}
