import type { Clock } from '../../base/clock.ts';
import { acceptDocument } from '../../config/document.ts';
import { loadConfig } from '../../config/load.ts';
import type { LocalFile } from '../../revisions/revision.ts';
import { WatchedFiles } from './watched-files.ts';

const lookMs = 2_000;

/**
 * The configuration file of a node that follows the store: it was the beginning, and is
 * read no more. Who edits it gets nothing by it, which the node can at least say.
 */
export class LocalFileWatch {
  readonly #path: string;
  readonly #onChange: () => void;
  readonly #files: WatchedFiles;
  #edited: LocalFile | undefined;

  constructor(path: string, clock: Clock, onChange: () => void) {
    this.#path = path;
    this.#onChange = onChange;
    this.#files = new WatchedFiles(clock, lookMs, () => void this.#read());
    void this.#files.watch([path]);
  }

  /** The file since it was edited; `undefined`: it was not, or holds no configuration now. */
  get edited(): LocalFile | undefined {
    return this.#edited;
  }

  close(): void {
    this.#files.close();
  }

  async #read(): Promise<void> {
    try {
      const { input, path } = await loadConfig(this.#path);
      this.#edited = { path, hash: acceptDocument(input, path).revision };
    } catch {
      this.#edited = undefined; // half written, or removed: nothing that could be compared
    }
    this.#onChange();
  }
}
