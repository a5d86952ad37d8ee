import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../base/errors.ts';
import { parseShifts } from '../../shifts/parse.ts';
import type { ShiftDocument } from '../../shifts/shift.ts';

/**
 * Keeps the shifts that hold on disk, so that a node which starts while the store is gone
 * serves at the step that was reached. Not synced: after a loss of power the store, or the file
 * before, says the same or almost.
 */
export class LastShiftsFile {
  /** What it held when it was read. */
  last: ShiftDocument | undefined;
  /** Why there is none, though there is a file. */
  trouble: string | undefined;
  readonly #path: string;
  #saving: Promise<void> = Promise.resolve();

  constructor(stateDirectory: string) {
    this.#path = join(stateDirectory, 'last-shifts.json');
  }

  /** What is missing or damaged is `undefined`: then the configured weights hold until the store is heard. */
  async read(): Promise<ShiftDocument | undefined> {
    try {
      this.last = parseShifts(await readFile(this.#path));
      this.trouble = undefined;
    } catch (error) {
      this.last = undefined;
      const damage = `${this.#path} is damaged: until the store is heard, the configured weights hold`;
      this.trouble = codeOf(error) === 'ENOENT' ? undefined : damage;
    }
    return this.last;
  }

  /** A failed write is made up for by the next change. */
  write(document: ShiftDocument): void {
    this.#saving = this.#saving.then(() => this.#save(JSON.stringify(document)));
  }

  async close(): Promise<void> {
    await this.#saving;
  }

  async #save(text: string): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    try {
      await writeFile(temporary, text, { mode: 0o600 });
      await rename(temporary, this.#path);
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}
