import { link, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, MeridianError, messageOf } from '../../base/errors.ts';
import { syncDirectory, writeDurably } from './durable-file.ts';
import {
  decodeSnapshot,
  encodeSnapshot,
  type Snapshot,
  type SnapshotErrorCode,
} from './snapshot.ts';

/** A snapshot that was found on disk, and what was refused on the way to it. */
export interface FoundSnapshot {
  readonly snapshot: Snapshot;
  readonly path: string;
  /** One sentence for each newer file that could not be used. */
  readonly refused: readonly string[];
}

/**
 * The last two snapshots of a node in its state directory, `snapshot` and
 * `snapshot.previous`. At every instant of a write at least one whole file stands under
 * one of the two names, so a torn write or a damaged file never costs both.
 */
export class SnapshotFiles {
  readonly #directory: string;
  readonly #current: string;
  readonly #previous: string;

  constructor(stateDirectory: string) {
    this.#directory = stateDirectory;
    this.#current = join(stateDirectory, 'snapshot');
    this.#previous = join(stateDirectory, 'snapshot.previous');
  }

  /**
   * Writes, syncs and renames into place; the snapshot before becomes the previous one,
   * unless it is damaged.
   *
   * @throws the system error when the disk is full or the directory is read-only; what
   *   stood before is then untouched.
   */
  async write(snapshot: Snapshot): Promise<void> {
    const temporary = `${this.#current}.${process.pid}.tmp`;
    try {
      await writeDurably(temporary, [encodeSnapshot(snapshot)]);
      if (await this.#isWhole(this.#current)) await replaceByLink(this.#current, this.#previous);
      await rename(temporary, this.#current);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await syncDirectory(this.#directory);
  }

  /**
   * The newest usable snapshot; `undefined` when there is none at all.
   *
   * @throws MeridianError `snapshot_unreadable` when files are there and none is usable.
   */
  async read(): Promise<FoundSnapshot | undefined> {
    const refused: string[] = [];
    for (const path of [this.#current, this.#previous]) {
      try {
        return { snapshot: decodeSnapshot(await readFile(path)), path, refused };
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') refused.push(`${path}: ${messageOf(error)}`);
      }
    }
    if (refused.length === 0) return undefined;
    throw new MeridianError<SnapshotErrorCode>(
      'snapshot_unreadable',
      `no snapshot can be used: ${refused.join('; ')}`,
    );
  }

  async #isWhole(path: string): Promise<boolean> {
    try {
      decodeSnapshot(await readFile(path));
      return true;
    } catch {
      return false;
    }
  }
}

/** Makes `to` another name of the file `from`, atomically: link under a third name, rename. */
async function replaceByLink(from: string, to: string): Promise<void> {
  const temporary = `${to}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  await link(from, temporary);
  await rename(temporary, to);
}
