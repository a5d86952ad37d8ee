import type { RegionNode } from './node.ts';

type Obeying = Pick<RegionNode, 'reload' | 'reopenLogs' | 'drainAndClose' | 'close'>;

/**
 * The signals of a node, heard from before it starts: the moment it says that it is ready,
 * it may be told to stop, or that its files are others. What comes during the start is obeyed
 * after it; a second signal to stop then ends the process at once.
 */
export class NodeSignals {
  #node: Obeying | undefined;
  #asked: 'drain' | 'close' | undefined;
  #reload = false;
  #reopen = false;

  constructor() {
    process.on('SIGHUP', () => {
      if (this.#node) this.#node.reload();
      else this.#reload = true;
    });
    process.on('SIGUSR2', () => {
      if (this.#node) this.#node.reopenLogs();
      else this.#reopen = true;
    });
    process.on('SIGTERM', () => this.#ask('drain'));
    process.on('SIGINT', () => this.#ask('close'));
  }

  obey(node: Obeying): void {
    this.#node = node;
    if (this.#reload) node.reload();
    if (this.#reopen) node.reopenLogs();
    if (this.#asked === 'drain') void node.drainAndClose();
    if (this.#asked === 'close') void node.close();
  }

  #ask(what: 'drain' | 'close'): void {
    const first = this.#asked === undefined;
    this.#asked ??= what;
    if (!this.#node) {
      if (!first) process.exit(1);
    } else if (first && what === 'drain') void this.#node.drainAndClose();
    else void this.#node.close();
  }
}
