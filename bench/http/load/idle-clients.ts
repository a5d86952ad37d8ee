import type { Stage } from '../stage.ts';
import { LoadProcess } from './child.ts';

export type IdleCommand =
  /** So many more; resolves when each has got its response, or is refused. */
  | {
      readonly kind: 'open';
      readonly port: number;
      readonly secure: boolean;
      readonly localAddress: string;
      readonly count: number;
    }
  | { readonly kind: 'count' };

/** Of one process; of all connections since its start. */
export interface IdleCounts {
  /** Kept alive: it had a response, and is open. */
  readonly held: number;
  /** Closed before it had a response. */
  readonly refused: number;
  /** Closed after that. */
  readonly dropped: number;
}

/** What one process opens, with room in its open files for what it needs itself. */
const connectionsPerProcess = 8_000;

/** Connections that send one request each, and then nothing. */
export class IdleClients implements AsyncDisposable {
  readonly #stage: Stage;
  readonly #port: number;
  readonly #secure: boolean;
  readonly #processes: { process: LoadProcess<IdleCommand, IdleCounts>; opened: number }[] = [];

  constructor(stage: Stage, { port, secure }: { readonly port: number; readonly secure: boolean }) {
    this.#stage = stage;
    this.#port = port;
    this.#secure = secure;
  }

  async open(count: number): Promise<IdleCounts> {
    let left = count;
    while (left > 0) {
      let last = this.#processes.at(-1);
      if (last === undefined || last.opened === connectionsPerProcess) {
        last = { process: new LoadProcess(this.#stage, './idle-process.ts'), opened: 0 };
        this.#processes.push(last);
      }
      const part = Math.min(left, connectionsPerProcess - last.opened);
      last.opened += part;
      left -= part;
      // An address of its own for each process: a port is there once per address.
      const localAddress = `127.0.1.${this.#processes.length}`;
      const target = { port: this.#port, secure: this.#secure, localAddress };
      await last.process.ask({ kind: 'open', ...target, count: part });
    }
    return this.counts();
  }

  async counts(): Promise<IdleCounts> {
    const all = await Promise.all(
      this.#processes.map(({ process }) => process.ask({ kind: 'count' })),
    );
    const sum = (of: keyof IdleCounts) => all.reduce((total, one) => total + one[of], 0);
    return { held: sum('held'), refused: sum('refused'), dropped: sum('dropped') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map(({ process }) => process[Symbol.asyncDispose]()));
  }
}
