import type { Clock, Timer } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { acceptDocument } from '../../config/document.ts';
import type { Log } from '../../observability/log.ts';
import { RolloutController } from '../../revisions/controller.ts';
import { Follower } from '../../revisions/follower.ts';
import type { Head, Refusal, RevisionInfo } from '../../revisions/revision.ts';
import type { Revisions } from '../../revisions/revisions.ts';
import { secretReferences } from '../../secrets/reference.ts';
import type { Secrets } from '../../secrets/secrets.ts';
import { isPassingStoreError } from '../../store/errors.ts';
import { Acknowledger } from './acknowledger.ts';
import { appliedAtMs } from './applied-at.ts';
import { type Accepted, type SealedSecrets, sequenceOf } from './configuration.ts';
import type { ConfigurationSource } from './configuration-source.ts';
import { countryFiles } from './country-data.ts';
import type { LiveConfiguration } from './live-configuration.ts';
import { LocalFileWatch } from './local-file.ts';
import { materialFiles } from './material.ts';
import { WatchedFiles } from './watched-files.ts';

const lookMs = 2_000;
const askAgainMs = 500;
/** What could not be built may have been mended: a port is free again, a file is there. */
const tryAgainMs = 10_000;

export interface StoreSourceOptions {
  readonly revisions: Revisions;
  readonly secrets: Secrets;
  readonly live: LiveConfiguration;
  readonly stateDirectory: string;
  /** The configuration file that the node was started with. */
  readonly configPath: string | undefined;
  /** An event that makes what the node serves a revision, once. */
  readonly seed: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

interface Desired {
  readonly info: RevisionInfo;
  readonly heardAtMs: number;
}

/**
 * Follows the store: what the region is to run, and the secrets and certificate files that
 * this names.
 *
 *   seeding ──this event was seeded──▶ following ◀──────────────┐
 *      ▲ │ store out of reach             │ other than served   │ served, or refused
 *      └─┘                                └─▶ fetch ─▶ change ──┘ (then again in a while)
 */
export class StoreSource implements ConfigurationSource {
  readonly #options: StoreSourceOptions;
  readonly #follower: Follower;
  readonly #acknowledger: Acknowledger;
  readonly #files: WatchedFiles;
  readonly #localFile: LocalFileWatch | undefined;
  /** Its part in rollouts, which no node leads. */
  readonly #controller: RolloutController;
  #secrets: { close(): void } | undefined;
  #desired: Desired | undefined;
  #refused: Refusal | undefined;
  /** Why what is to be served is not in the store, or could not be taken from it, for now. */
  #trouble: string | undefined;
  /** Build once more even what is served already: what it names may have changed. */
  #anew = false;
  #busy = false;
  readonly #timers = new Set<Timer>();
  #closed = false;

  constructor(options: StoreSourceOptions) {
    const { revisions, live, clock, configPath, log } = options;
    this.#options = options;
    this.#acknowledger = new Acknowledger(revisions, clock);
    this.#files = new WatchedFiles(clock, lookMs, () => this.refresh());
    if (configPath !== undefined) {
      this.#localFile = new LocalFileWatch(configPath, clock, () => this.#acknowledge());
    }
    const { own, info } = live.configuration;
    const onTrouble = (message: string) => log.warn(message);
    this.#controller = new RolloutController({
      revisions,
      region: own.region,
      node: own.node,
      clock,
      onTrouble,
      onAction: ({ action, reason }) => log.info('rollout moved', { action, reason }),
    });
    this.#follower = new Follower({
      revisions,
      region: own.region,
      clock,
      seen: info,
      onDesired: (desired) => this.#want(desired),
      onHead: (head) => this.#controller.observe(head),
      onTrouble,
    });
  }

  /** While it is what the region is to run. */
  get refused(): Refusal | undefined {
    return this.#refused?.sequence === this.#desired?.info.sequence ? this.#refused : undefined;
  }

  get head(): Head | undefined {
    return this.#follower.head;
  }

  get troubles(): readonly string[] {
    const { refused } = this;
    const told = refused && `revision ${refused.sequence} was refused here: ${refused.reason}`;
    const troubles = [told, this.#trouble, this.#follower.trouble, this.#controller.trouble];
    return troubles.filter((trouble) => trouble !== undefined);
  }

  start(): void {
    void this.#watchFiles();
    this.#secrets = this.#options.secrets.watch((name) => this.#secretStored(name));
    const { seed, live } = this.#options;
    if (seed === undefined || live.configuration.origin === 'store') this.#follower.start();
    else void this.#seed(seed);
  }

  refresh(): void {
    this.#anew = true;
    this.#wake();
  }

  staleForMs(): number {
    return this.#follower.staleForMs();
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#secrets?.close();
    this.#files.close();
    this.#localFile?.close();
    this.#follower.close();
    this.#controller.close();
    this.#acknowledger.close();
  }

  /** Makes what is served a revision, unless another node did so for the same event. */
  async #seed(seed: string): Promise<void> {
    const { revisions, live } = this.#options;
    const { document } = live.configuration;
    while (!this.#closed) {
      try {
        const { revision: hash } = acceptDocument(document, 'the configuration');
        const message = 'the configuration file that the nodes were started with';
        const after = sequenceOf(live.configuration);
        await revisions.seed({ document, hash, seed, author: 'meridian up', message, after });
        this.#trouble = undefined;
        return this.#follower.start();
      } catch (error) {
        this.#trouble = `the configuration is not in the store yet: ${messageOf(error)}`;
        await this.#pause(askAgainMs);
      }
    }
  }

  #want(info: RevisionInfo): void {
    this.#desired = { info, heardAtMs: this.#options.clock.monotonicMs() };
    this.#trouble = undefined;
    if (this.#isServed(info)) this.#acknowledge();
    this.#wake();
  }

  #wake(): void {
    if (!this.#busy && !this.#closed) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let work = this.#next(); work && !this.#closed; work = this.#next()) {
      await this.#files.mark();
      await work();
    }
    this.#busy = false;
  }

  /** What there is to do; `undefined`: nothing. */
  #next(): (() => Promise<void>) | undefined {
    const anew = this.#anew;
    this.#anew = false;
    const desired = this.#desired;
    if (!desired) return anew ? () => this.#rebuild() : undefined;
    const settled = this.#isServed(desired.info) || this.refused !== undefined;
    return settled && !anew ? undefined : () => this.#take(desired);
  }

  /** Nothing was heard from the store yet: what serves, with the files as they are now. */
  async #rebuild(): Promise<void> {
    const { live, clock } = this.#options;
    await live.change({
      place: 'the configuration',
      heardAtMs: clock.monotonicMs(),
      accept: async () => live.configuration,
    });
    await this.#watchFiles();
  }

  async #take({ info, heardAtMs }: Desired): Promise<void> {
    const { live, clock } = this.#options;
    const known = this.#isServed(info);
    const outcome = await live.change({
      place: `revision ${info.sequence}`,
      heardAtMs: known ? clock.monotonicMs() : heardAtMs,
      accept: () => this.#fetch(info),
    });
    if (outcome.kind === 'serving') {
      this.#trouble = undefined;
      this.#refused = undefined;
      this.#acknowledge();
      return this.#watchFiles();
    }
    const { code, reason, error } = outcome;
    if (isPassingStoreError(error)) {
      this.#trouble = `revision ${info.sequence} could not be fetched: ${reason}`;
      this.#anew ||= known;
      return this.#pause(askAgainMs);
    }
    this.#trouble = undefined;
    this.#refused = { sequence: info.sequence, hash: info.hash, code, reason };
    this.#acknowledge();
    this.#later(tryAgainMs, () => {
      if (this.refused?.sequence === info.sequence) this.refresh();
    });
  }

  async #fetch(info: RevisionInfo): Promise<Accepted> {
    const { revisions, live } = this.#options;
    const place = `revision ${info.sequence}`;
    const content = await revisions.read(info);
    const { config, document } = acceptDocument(content, place);
    const { region } = live.configuration.own;
    return {
      config,
      document,
      hash: info.hash,
      info,
      serial: info.serial,
      origin: 'store',
      source: 'store',
      seed: info.seed ?? live.configuration.seed,
      acceptedAtMs: appliedAtMs(info),
      secrets: await this.#fetchSecrets(secretReferences(config, region)),
    };
  }

  /** Those at hand are good enough while the store gives none. */
  async #fetchSecrets(names: readonly string[]): Promise<SealedSecrets> {
    if (names.length === 0) return {};
    try {
      return Object.fromEntries(await this.#options.secrets.sealed(names));
    } catch (error) {
      const { secrets } = this.#options.live.configuration;
      if (names.every((name) => Object.hasOwn(secrets, name))) return secrets;
      throw error;
    }
  }

  /** Told of all secrets at the start too: only what differs from what is served counts. */
  #secretStored(name: string): void {
    const { configuration } = this.#options.live;
    const wanted = secretReferences(configuration.config, configuration.own.region);
    if (wanted.includes(name) || this.refused !== undefined) this.refresh();
  }

  #watchFiles(): Promise<void> {
    const { live, stateDirectory } = this.#options;
    const { config, own } = live.configuration;
    const material = materialFiles(config, own.region, stateDirectory);
    return this.#files.watch([...material, ...countryFiles(config)]);
  }

  #isServed({ sequence, hash }: RevisionInfo): boolean {
    const { configuration } = this.#options.live;
    return sequenceOf(configuration) === sequence && configuration.hash === hash;
  }

  #acknowledge(): void {
    const { live, clock } = this.#options;
    const { own, hash } = live.configuration;
    this.#acknowledger.tell({
      version: 1,
      region: own.region,
      node: own.node,
      running: { sequence: sequenceOf(live.configuration), hash },
      durationMs: Math.round(live.durationMs ?? 0),
      refused: this.#refused,
      pendingRestart: live.pendingRestart,
      at: new Date(clock.wallMs()).toISOString(),
      localFile: this.#localFile?.edited,
    });
  }

  #later(ms: number, run: () => void): void {
    const timer = this.#options.clock.after(ms, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#later(ms, resolve));
  }
}
