import { stat } from 'node:fs/promises';
import type { Clock, Timer } from '../../base/clock.ts';

/** How files are, by path: others than before, once one was written or replaced. */
export type Marks = ReadonlyMap<string, string>;

/**
 * Tells when one of some files was written, replaced, made or removed, or got another mode. It looks, rather
 * than listens: that works on every file system, over links that are switched (as
 * Kubernetes does), and cannot go silent.
 */
export class WatchedFiles {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #onChange: () => void;
  #paths: readonly string[] = [];
  /** By path, how it was when it was looked at. */
  #seen: Marks;
  #timer: Timer | undefined;
  #closed = false;

  /** `seen`: how some of them were when they were read, before this was there to look. */
  constructor(clock: Clock, intervalMs: number, onChange: () => void, seen: Marks = new Map()) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#onChange = onChange;
    this.#seen = seen;
  }

  /**
   * Looks at these from now on. What those hold that are new is no change; those that were
   * looked at before may have changed since, while somebody was busy with what they held.
   */
  async watch(paths: readonly string[]): Promise<void> {
    this.#timer?.cancel();
    this.#paths = paths;
    const found = await marksOf(paths);
    if (paths !== this.#paths) return;
    this.#seen = new Map([...found].map(([path, mark]) => [path, this.#seen.get(path) ?? mark]));
    this.#schedule();
  }

  /**
   * What they hold from now on is about to be read, whoever asked for it: changes until here
   * are told no more, those after it are.
   */
  async mark(): Promise<void> {
    this.#timer?.cancel();
    const paths = [...this.#paths]; // a list of its own: a look that is under way finds it replaced
    this.#paths = paths;
    const found = await marksOf(paths);
    if (paths !== this.#paths) return;
    this.#seen = found;
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
      void marksOf(paths).then((found) => {
        if (this.#closed || paths !== this.#paths) return;
        const changed = paths.some((path) => found.get(path) !== this.#seen.get(path));
        this.#seen = found;
        this.#schedule();
        if (changed) this.#onChange();
      });
    });
  }
}

export async function marksOf(paths: readonly string[]): Promise<Marks> {
  const marks = await Promise.all(
    paths.map((path) =>
      stat(path, { bigint: true }).then(
        ({ dev, ino, mode, size, mtimeNs }) => `${dev} ${ino} ${mode} ${size} ${mtimeNs}`,
        () => 'none',
      ),
    ),
  );
  return new Map(paths.map((path, index) => [path, marks[index] ?? 'none']));
}
