import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../base/clock.ts';
import { MeridianError, messageOf } from '../base/errors.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

export type ThreadRole = 'gateway' | 'dns';

export interface ThreadHandlers {
  /** A frame of the inter-region link came in on this thread. */
  onFrame(region: string, bytes: Uint8Array): void;
  /** Something on this thread does not work as it should; it serves on. */
  onWarning(message: string): void;
  /** A thread ended that nobody had asked to; it is being replaced. */
  onDeath(role: ThreadRole, index: number, reason: string): void;
}

const firstRetryMs = 100;
const lastRetryMs = 5_000;
const closeLimitMs = 5_000;

/**
 * One worker thread that is kept alive:
 *
 *   starting ──listening──▶ serving ──died──▶ waiting ──backoff──▶ starting
 *      │ failed (first start only): start() rejects
 *      └────────────── close() from any state ──────────────▶ closed
 */
export class KeptThread {
  readonly #entry: URL;
  readonly #role: ThreadRole;
  readonly #index: number;
  readonly #data: ThreadData;
  readonly #handlers: ThreadHandlers;
  readonly #clock: Clock;
  #worker: Worker | undefined;
  #retryMs = firstRetryMs;
  #retry: Timer | undefined;
  #closing = false;
  #draining = false;
  #serving = false;

  constructor(
    role: ThreadRole,
    index: number,
    data: ThreadData,
    handlers: ThreadHandlers,
    clock: Clock,
    entry = entryOf(role),
  ) {
    this.#entry = entry;
    this.#role = role;
    this.#index = index;
    this.#data = data;
    this.#handlers = handlers;
    this.#clock = clock;
  }

  get role(): ThreadRole {
    return this.#role;
  }

  get index(): number {
    return this.#index;
  }

  get serving(): boolean {
    return this.#serving;
  }

  /**
   * Resolves when the thread listens.
   *
   * @throws MeridianError with the code of what failed in the thread.
   */
  async start(): Promise<void> {
    const worker = this.#create();
    this.#worker = worker;
    await new Promise<void>((resolve, reject) => {
      let reason = '';
      worker.on('message', (message: FromThread) => {
        if (message.kind === 'frame') this.#handlers.onFrame(message.region, message.bytes);
        else if (message.kind === 'warning') this.#handlers.onWarning(message.message);
        else if (message.kind === 'listening') {
          this.#onListening(worker);
          resolve();
        } else {
          reason = message.message;
          reject(new MeridianError(message.code ?? 'thread_failed', message.message));
        }
      });
      worker.on('error', (error) => {
        reason = error.message;
      });
      worker.on('exit', (code) => {
        reason ||= `exit code ${code}`;
        reject(new MeridianError('thread_failed', `${this.#role} thread ended: ${reason}`));
        this.#onEnd(reason);
      });
    });
  }

  /** Serves on, but tells clients to go elsewhere. */
  drain(): void {
    this.#draining = true;
    this.#post({ kind: 'drain' });
  }

  /** Goes on in new log files, after the old ones were renamed. */
  reopenLogs(): void {
    this.#post({ kind: 'reopenLogs' });
  }

  /** Ends the thread: by itself within a bound, by force after it. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#retry?.cancel();
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#post({ kind: 'close' });
    const force = this.#clock.after(closeLimitMs, () => void worker.terminate());
    await ended;
    force.cancel();
  }

  #onListening(worker: Worker): void {
    this.#serving = true;
    this.#retryMs = firstRetryMs;
    if (this.#draining) worker.postMessage({ kind: 'drain' } satisfies ToThread);
  }

  #onEnd(reason: string): void {
    const hadServed = this.#serving || this.#retryMs > firstRetryMs;
    this.#serving = false;
    this.#worker = undefined;
    if (this.#closing || !hadServed) return;
    this.#handlers.onDeath(this.#role, this.#index, reason);
    const delayMs = this.#retryMs;
    this.#retryMs = Math.min(lastRetryMs, delayMs * 2);
    this.#retry = this.#clock.after(delayMs, () => void this.start().catch(() => undefined));
  }

  #create(): Worker {
    try {
      return new Worker(this.#entry, { workerData: this.#data });
    } catch (error) {
      this.#onEnd(messageOf(error)); // no memory for another thread: tried again
      throw error;
    }
  }

  #post(message: ToThread): void {
    this.#worker?.postMessage(message);
  }
}

function entryOf(role: ThreadRole): URL {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${role}-thread.${suffix}`, import.meta.url);
}
