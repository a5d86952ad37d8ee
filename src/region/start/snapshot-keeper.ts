import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../observability/log.ts';
import { seal } from '../../secrets/envelope.ts';
import type { KeyRing } from '../../secrets/key-ring.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { materialContext, noMaterial } from '../configuration/material.ts';
import type { SnapshotFiles } from './snapshot-files.ts';

const retryMs = 10_000;

export interface SnapshotKeeperOptions {
  readonly files: SnapshotFiles;
  readonly ring: KeyRing | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Keeps what serves on disk, for a restart. A disk that takes nothing (full, read-only) is
 * told loudly and tried again; what it held stays as it was.
 */
export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  #latest: Configuration | undefined;
  #trouble: string | undefined;
  #retry: { cancel(): void } | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
  }

  /** Why the disk does not hold what serves, a sentence; `undefined`: it does. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Resolves when it was tried; a failure is `trouble`. */
  write(configuration: Configuration): Promise<void> {
    this.#latest = configuration;
    this.#retry?.cancel();
    this.#writing = this.#writing.then(() => this.#write(configuration));
    return this.#writing;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#writing;
  }

  async #write(configuration: Configuration): Promise<void> {
    if (configuration !== this.#latest) return; // superseded while it waited
    const { files, clock, log } = this.#options;
    try {
      await files.write({
        region: configuration.own.region,
        node: configuration.own.node,
        hash: configuration.hash,
        serial: configuration.serial,
        info: configuration.info,
        origin: configuration.origin,
        seed: configuration.seed,
        writtenAtMs: clock.wallMs(),
        document: configuration.document,
        secrets: configuration.secrets,
        material: this.#sealed(configuration),
      });
      if (this.#trouble !== undefined) log.info('the snapshot is on disk again');
      this.#trouble = undefined;
    } catch (error) {
      const trouble = `the snapshot could not be written: ${messageOf(error)}`;
      if (trouble !== this.#trouble) log.error(trouble);
      this.#trouble = trouble;
      if (this.#closed) return;
      this.#retry = clock.after(retryMs, () => void this.write(configuration));
    }
  }

  /** Without an outer key nothing secret is written: the keys stay in their own files only. */
  #sealed({ own, material }: Configuration): unknown {
    const { ring } = this.#options;
    if (!ring || isDeepStrictEqual(material, noMaterial)) return undefined;
    const text = Buffer.from(JSON.stringify(material));
    try {
      return seal(ring, text, materialContext(own.region, own.node));
    } finally {
      text.fill(0);
    }
  }
}
