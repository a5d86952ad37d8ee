import type { Clock } from '../../base/clock.ts';
import { zoneFilePaths, zoneFilesDiffer } from '../../config/zone-files.ts';
import type { Refusal } from '../../revisions/revision.ts';
import { acceptFile } from '../start/starting-point.ts';
import type { ConfigurationSource } from './configuration-source.ts';
import { countryFiles } from './country-data.ts';
import type { LiveConfiguration } from './live-configuration.ts';
import { materialFiles } from './material.ts';
import { type Marks, WatchedFiles } from './watched-files.ts';

const lookMs = 500;

export interface FileSourceOptions {
  /** `undefined`: the node started from a snapshot, and nothing tells it better. */
  readonly path: string | undefined;
  /** How it was when the node, which starts, was about to read it. */
  readonly seen?: Marks | undefined;
  readonly live: Pick<LiveConfiguration, 'change' | 'configuration'>;
  readonly stateDirectory: string;
  readonly clock: Clock;
}

/**
 * A node without a store: it follows its configuration file, and the certificates, zone
 * files and country data that this names.
 */
export class FileSource implements ConfigurationSource {
  readonly head = undefined;
  readonly #options: FileSourceOptions;
  readonly #files: WatchedFiles;
  #refused: Refusal | undefined;
  /** To be read. However often that is asked for while it is being read, it is read once more. */
  #asked = false;
  #busy = false;
  #closed = false;

  constructor(options: FileSourceOptions) {
    this.#options = options;
    this.#files = new WatchedFiles(options.clock, lookMs, () => this.refresh(), options.seen);
  }

  get refused(): Refusal | undefined {
    return this.#refused;
  }

  get troubles(): readonly string[] {
    const { path } = this.#options;
    if (path === undefined) return ['serving from the snapshot on disk: no file was named'];
    return this.#refused ? [`${path} was refused: ${this.#refused.reason}`] : [];
  }

  start(): void {
    void this.#watch().then(() => this.#lookAtZones());
  }

  /** Which zone files there are was not known before they were read: one may have changed since. */
  async #lookAtZones(): Promise<void> {
    const { path, live } = this.#options;
    if (path === undefined) return;
    if (await zoneFilesDiffer(live.configuration.config, path)) this.refresh();
  }

  refresh(): void {
    this.#asked = true;
    if (!this.#busy) void this.#work();
  }

  staleForMs(): undefined {
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#files.close();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#asked && !this.#closed) await this.#reload();
    this.#busy = false;
  }

  async #reload(): Promise<void> {
    const { path, live, clock } = this.#options;
    const heardAtMs = clock.monotonicMs();
    await this.#files.mark();
    this.#asked = false;
    const outcome = await live.change({
      place: path ?? 'the snapshot',
      heardAtMs,
      accept: async () =>
        path === undefined ? live.configuration : acceptFile(path, live.configuration),
    });
    this.#refused =
      outcome.kind === 'refused'
        ? { sequence: 0, hash: '', code: outcome.code, reason: outcome.reason }
        : undefined;
    await this.#watch();
  }

  /** Material of the present configuration: a file that was refused may name other places. */
  #watch(): Promise<void> {
    const { path, live, stateDirectory } = this.#options;
    const { config, own } = live.configuration;
    const material = [
      ...materialFiles(config, own.region, stateDirectory),
      ...countryFiles(config),
    ];
    if (path === undefined) return this.#files.watch(material);
    return this.#files.watch([path, ...zoneFilePaths(config, path), ...material]);
  }
}
