import { codeOf, messageOf } from '../../base/errors.ts';
import { inSlices } from '../../base/steps.ts';
import { overwriteRegisters } from '../../secrets/core-dumps.ts';
import { unpackConfig } from './packed-config.ts';
import type { FromThread, PackedThreadData, ThreadData, ToThread } from './thread-messages.ts';

interface Prepared {
  commit(): void;
  abandon(): void;
}

/** How long what the thread serves waits for a part of a configuration, at most. */
const sliceMs = 0.25;

/** A thread's side of a swap: builds what is prepared, keeps it until it is told which it is. */
export class TwoPhase {
  readonly #post: (message: FromThread) => void;
  readonly #prepare: (data: ThreadData) => Promise<Prepared>;
  #prepared: { readonly generation: number; readonly parts: Prepared } | undefined;
  /** Of the latest `prepare`; an older one that is still being built is given up when done. */
  #wanted = 0;

  constructor(
    post: (message: FromThread) => void,
    prepare: (data: ThreadData) => Promise<Prepared>,
  ) {
    this.#post = post;
    this.#prepare = prepare;
  }

  /** False for a message that is not of a swap. */
  take(message: ToThread): boolean {
    if (message.kind === 'prepare') void this.#build(message.data);
    else if (message.kind === 'commit') this.#end(message.generation, 'commit');
    else if (message.kind === 'abandon') this.#end(message.generation, 'abandon');
    else return false;
    return true;
  }

  async #build(data: PackedThreadData): Promise<void> {
    const { generation } = data;
    this.#wanted = generation;
    try {
      const config = await inSlices(unpackConfig(data.config), sliceMs);
      if (this.#wanted !== generation) return;
      const parts = await this.#prepare({ ...data, config });
      if (this.#wanted !== generation) return parts.abandon();
      this.#prepared = { generation, parts };
      this.#post({ kind: 'prepared', generation });
    } catch (error) {
      this.#post({ kind: 'refused', generation, code: codeOf(error), message: messageOf(error) });
    } finally {
      overwriteRegisters();
    }
  }

  #end(generation: number, how: 'commit' | 'abandon'): void {
    if (how === 'abandon' && this.#wanted === generation) this.#wanted = 0;
    if (this.#prepared?.generation !== generation) return;
    const { parts } = this.#prepared;
    this.#prepared = undefined;
    parts[how]();
    overwriteRegisters();
  }
}
