import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../../base/clock.ts';

/** What was decided last before a restart, with its age. */
export interface LastHealth {
  readonly state: unknown;
  readonly ageMs: number;
}

const intervalMs = 2_000;

/**
 * Keeps the decided states on disk, so that a restart declares nothing up or down. Not
 * synced: after a loss of power an older file, or none, is as good.
 */
export class LastHealthFile {
  readonly #path: string;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(stateDirectory: string, clock: Clock) {
    this.#path = join(stateDirectory, 'last-health.json');
    this.#clock = clock;
  }

  /** What the file holds; `undefined` when it is missing or unreadable, which costs little. */
  async read(): Promise<LastHealth | undefined> {
    try {
      const { writtenAtMs, state } = JSON.parse(await readFile(this.#path, 'utf8'));
      if (typeof writtenAtMs !== 'number') return undefined;
      return { state, ageMs: Math.max(0, this.#clock.wallMs() - writtenAtMs) };
    } catch {
      return undefined;
    }
  }

  /** Writes what `exportState` returns every two seconds; a failed write is tried again then. */
  keep(exportState: () => unknown): void {
    this.#timer = this.#clock.after(intervalMs, () => {
      this.#saving = this.#save(exportState());
      void this.#saving.then(() => {
        if (this.#timer) this.keep(exportState);
      });
    });
  }

  async close(finalState: unknown): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#saving;
    await this.#save(finalState);
  }

  async #save(state: unknown): Promise<void> {
    const text = JSON.stringify({ writtenAtMs: this.#clock.wallMs(), state });
    const temporary = `${this.#path}.tmp`;
    try {
      await writeFile(temporary, text, { mode: 0o600 });
      await rename(temporary, this.#path);
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}
