import { stat } from 'node:fs/promises';
import type { Clock, Timer } from '../base/clock.ts';

/**
 * Tells when one of some files was written, replaced, made or removed. It looks, rather
 * than listens: that works on every file system, over links that are switched (as
 * Kubernetes does), and cannot go silent.
 */
export class WatchedFiles {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #onChange: () => void;
  #paths: readonly string[] = [];
  #seen: string | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, intervalMs: number, onChange: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#onChange = onChange;
  }

  /** Looks at these from now on; what they hold now is no change. */
  async watch(paths: readonly string[]): Promise<void> {
    this.#timer?.cancel();
    this.#paths = paths;
    this.#seen = await this.#look();
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    this.#timer = this.#clock.after(this.#intervalMs, () => {
      const paths = this.#paths;
      void this.#look().then((found) => {
        if (this.#closed || paths !== this.#paths) return;
        const changed = found !== this.#seen;
        this.#seen = found;
        this.#schedule();
        if (changed) this.#onChange();
      });
    });
  }

  async #look(): Promise<string> {
    const marks = await Promise.all(
      this.#paths.map((path) =>
        stat(path, { bigint: true }).then(
          ({ dev, ino, size, mtimeNs }) => `${dev} ${ino} ${size} ${mtimeNs}`,
          () => 'none',
        ),
      ),
    );
    return marks.join('\n');
  }
}
