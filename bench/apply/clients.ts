import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const limitMs = 60_000;

/** To the process that asks. */
export type ToClients =
  /** Ask for a host, again and again, until every connection has got 200. */
  | { readonly kind: 'watch'; readonly mark: number }
  /** Send requests at a steady rate, until it is said to stop. */
  | { readonly kind: 'load'; readonly perSecond: number }
  | { readonly kind: 'stop' };

export type FromClients =
  /** All are connected. */
  | { readonly kind: 'ready' }
  /** Every connection has got an answer, which was 404: the route is not there yet. */
  | { readonly kind: 'watching'; readonly mark: number }
  | { readonly kind: 'seen'; readonly mark: number; readonly seen: Seen }
  | { readonly kind: 'loaded'; readonly samples: readonly Sample[]; readonly reconnects: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** By address of the region: when the last of its connections was first served. */
export type Seen = Readonly<Record<string, number>>;

export interface Sample {
  /** When it was to be sent. */
  readonly dueMs: number;
  /** From then to the end of its response, so what was sent late counts as slow. */
  readonly latencyMs: number;
  /** 0: none. */
  readonly status: number;
}

/**
 * Clients in a process of their own, on connections that are kept alive: what they do then
 * disturbs neither the one that applies nor each other.
 */
export class Clients {
  readonly #child: ChildProcess;
  /** What came, and nobody has waited for yet. */
  readonly #inbox: FromClients[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: FromClients) => this.#inbox.push(message));
  }

  /** `connections`: to each address. */
  static async start(addresses: readonly string[], connections: number): Promise<Clients> {
    const path = fileURLToPath(new URL('./client-process.ts', import.meta.url));
    const clients = new Clients(fork(path, [String(connections), ...addresses]));
    await clients.#next('ready');
    return clients;
  }

  /** Resolves when the route is being asked for, and is not there. */
  async watch(mark: number): Promise<void> {
    this.#send({ kind: 'watch', mark });
    await this.#next('watching');
  }

  /** Resolves when every region serves the route that is watched. */
  async seen(): Promise<Seen> {
    return (await this.#next('seen')).seen;
  }

  startLoad(perSecond: number): void {
    this.#send({ kind: 'load', perSecond });
  }

  stopLoad(): Promise<FromClients & { kind: 'loaded' }> {
    this.#send({ kind: 'stop' });
    return this.#next('loaded');
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #send(message: ToClients): void {
    this.#child.send(message);
  }

  async #next<K extends FromClients['kind']>(kind: K): Promise<FromClients & { kind: K }> {
    const signal = AbortSignal.timeout(limitMs);
    while (this.#inbox.length === 0) await once(this.#child, 'message', { signal });
    const message = this.#inbox.shift()!;
    if (message.kind === kind) return message as FromClients & { kind: K };
    throw new Error(`clients: ${message.kind === 'failed' ? message.reason : message.kind}`);
  }
}
