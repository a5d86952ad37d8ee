import { statSync } from 'node:fs';
import { codeOf } from '../../base/errors.ts';
import type { StackLayout } from './layout.ts';
import { readRecord } from './record.ts';

export interface PossessionEvents {
  /** Once: nobody can reach the supervisor through the directory any more. */
  onLost(why: string): void;
  /** stack.json is there and is not readable as ours: it can be written again. */
  onDamaged(): void;
}

const checkEveryMs = 500;

/**
 * Whether a supervisor still has its state directory. After `rm -rf` of it no command
 * finds the stack, so the stack must not go on unseen.
 */
export class Possession {
  readonly #layout: StackLayout;
  readonly #events: PossessionEvents;
  readonly #directory: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(layout: StackLayout, events: PossessionEvents) {
    this.#layout = layout;
    this.#events = events;
    this.#directory = identityOf(layout.directory);
  }

  /** Call it when stack.json has been written. Does not keep the process alive. */
  watch(): void {
    this.#timer = setInterval(() => this.#check(), checkEveryMs);
    this.#timer.unref();
  }

  /** Whether the path still names the directory that was taken. */
  isHeld(): boolean {
    return identityOf(this.#layout.directory) === this.#directory;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const why = this.#whyLost();
    if (why === undefined) return;
    this.close();
    this.#events.onLost(why);
  }

  #whyLost(): string | undefined {
    const { directory, record: path } = this.#layout;
    const now = identityOf(directory);
    if (now !== this.#directory) {
      return `its state directory ${directory} was ${now === undefined ? 'removed' : 'replaced'}`;
    }
    try {
      const record = readRecord(path);
      if (!record) return `${path} was removed`;
      if (record.supervisor?.pid === process.pid) return undefined;
    } catch (error) {
      if (codeOf(error) !== 'stack_record_damaged') throw error;
    }
    this.#events.onDamaged();
    return undefined;
  }
}

/** With its birth: a number may be given again as soon as its directory is gone. */
function identityOf(directory: string): string | undefined {
  try {
    const { dev, ino, birthtimeNs } = statSync(directory, { bigint: true });
    return `${dev}:${ino}:${birthtimeNs}`;
  } catch {
    return undefined;
  }
}
