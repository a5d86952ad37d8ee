import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../base/clock.ts';
import { MeridianError, messageOf } from '../../base/errors.ts';
import type { OutsideStatus } from '../../dns/outside/outside-status.ts';
import type { MeasuredCells } from '../../steering/latency/measured-cells.ts';
import type { AppliedShift } from '../../steering/shifts/applied.ts';
import { packConfig } from './packed-config.ts';
import type { ReportBatch } from './report-buffer.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

export type ThreadRole = 'gateway' | 'dns';

export interface ThreadHandlers {
  /** A frame of the inter-region link came in on this thread. */
  onFrame(region: string, bytes: Uint8Array): void;
  /** Browsers reported what they measured. */
  onReports?(batch: ReportBatch): void;
  /** Something on this thread does not work as it should; it serves on. */
  onWarning(message: string): void;
  /** A primary says that a zone has changed. */
  onNotify?(zone: string, source: string): void;
  /** What a name server knows of names outside of its zones. */
  onOutside?(index: number, names: readonly OutsideStatus[]): void;
  /** A thread ended that nobody had asked to; it is being replaced. */
  onDeath(role: ThreadRole, index: number, reason: string): void;
  /** The last request of a generation has ended on the thread. */
  onDrained(role: ThreadRole, index: number, generation: number): void;
}

const firstRetryMs = 100;
const lastRetryMs = 5_000;
const closeLimitMs = 5_000;
const prepareLimitMs = 10_000;

interface Preparation {
  readonly generation: number;
  readonly worker: Worker;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * One worker thread that is kept alive:
 *
 *   starting ──listening──▶ serving ──died──▶ waiting ──backoff──▶ starting
 *      │ failed (first start only): start() rejects
 *      └────────────── close() from any state ──────────────▶ closed
 *
 * A thread that starts again does so with the generation that was committed last.
 */
export class KeptThread {
  readonly #entry: URL;
  readonly #role: ThreadRole;
  readonly #index: number;
  readonly #handlers: ThreadHandlers;
  readonly #clock: Clock;
  #data: ThreadData;
  #worker: Worker | undefined;
  #preparation: Preparation | undefined;
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
        if (message.kind === 'listening') {
          this.#onListening(worker);
          resolve();
        } else if (message.kind === 'failed') {
          reason = message.message;
          reject(new MeridianError(message.code ?? 'thread_failed', message.message));
        } else this.#onMessage(message);
      });
      worker.on('error', (error) => {
        reason = error.message;
      });
      worker.on('exit', (code) => {
        reason ||= `exit code ${code}`;
        const ended = new MeridianError('thread_failed', `${this.#role} thread ended: ${reason}`);
        reject(ended);
        this.#onEnd(worker, reason, ended);
      });
    });
  }

  /**
   * Lets the thread build what comes next, beside what serves. A thread that is just being
   * replaced has nothing to build: it will start with what is committed.
   *
   * @throws MeridianError with the code of what cannot be built; `thread_failed` when the
   *   thread ends or gives no answer in time. The old generation serves on.
   */
  async prepare(data: ThreadData, config = packConfig(data.config)): Promise<void> {
    const worker = this.#worker;
    if (!worker || !this.#serving) return;
    const { generation } = data;
    const done = Promise.withResolvers<void>();
    this.#preparation = { generation, worker, done };
    worker.postMessage({ kind: 'prepare', data: { ...data, config } } satisfies ToThread);
    const limitMs = prepareTimeMs(data);
    const limit = this.#clock.after(limitMs, () => {
      const message = `${this.#role} thread ${this.#index} gave no answer in ${limitMs / 1_000} s`;
      done.reject(new MeridianError('thread_failed', message));
    });
    try {
      await done.promise;
    } finally {
      limit.cancel();
    }
  }

  /** Swaps to what was prepared, which from now on is what a replaced thread starts with. */
  commit(data: ThreadData): void {
    const { generation } = data;
    const { sessionSecret, shifts, measured } = this.#data;
    this.#data = { ...data, sessionSecret, shifts, measured };
    const prepared = this.#preparation;
    this.#preparation = undefined;
    if (!this.#worker) return;
    if (prepared?.generation === generation && prepared.worker === this.#worker) {
      this.#post({ kind: 'commit', generation });
    } else {
      // It began between the two steps, with the old generation: once more, with this one.
      void this.#worker.terminate();
    }
  }

  abandon(generation: number): void {
    this.#preparation = undefined;
    this.#post({ kind: 'abandon', generation });
  }

  /** Serves on, but tells clients to go elsewhere; or takes that back. */
  drain(on: boolean): void {
    this.#draining = on;
    this.#post({ kind: 'drain', on });
  }

  /** That of `ThreadData` has changed. */
  useSessionSecret(secret: Uint8Array): void {
    this.#data = { ...this.#data, sessionSecret: secret };
    this.#post({ kind: 'sessionSecret', secret });
  }

  /** The same for shifts of traffic. */
  useShifts(shifts: readonly AppliedShift[]): void {
    this.#data = { ...this.#data, shifts };
    this.#post({ kind: 'shifts', shifts });
  }

  /** That of `ThreadData` has changed. */
  useMeasured(cells: MeasuredCells | undefined): void {
    this.#data = { ...this.#data, measured: cells };
    this.#post({ kind: 'measured', cells });
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
    if (this.#draining) worker.postMessage({ kind: 'drain', on: true } satisfies ToThread);
  }

  #onMessage(message: Exclude<FromThread, { kind: 'listening' | 'failed' }>): void {
    if (message.kind === 'frame') this.#handlers.onFrame(message.region, message.bytes);
    else if (message.kind === 'reports') this.#handlers.onReports?.(message.batch);
    else if (message.kind === 'warning') this.#handlers.onWarning(message.message);
    else if (message.kind === 'outside') this.#handlers.onOutside?.(this.#index, message.names);
    else if (message.kind === 'notify') this.#handlers.onNotify?.(message.zone, message.source);
    else if (message.kind === 'drained') {
      this.#handlers.onDrained(this.#role, this.#index, message.generation);
    } else if (this.#preparation?.generation === message.generation) {
      const { done } = this.#preparation;
      if (message.kind === 'prepared') done.resolve();
      else done.reject(new MeridianError(message.code ?? 'thread_failed', message.message));
    }
  }

  #onEnd(worker: Worker, reason: string, error: MeridianError): void {
    if (this.#preparation?.worker === worker) this.#preparation.done.reject(error);
    this.#worker = undefined;
    this.#replace(reason);
  }

  #replace(reason: string): void {
    const hadServed = this.#serving || this.#retryMs > firstRetryMs;
    this.#serving = false;
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
      this.#replace(messageOf(error)); // no memory for another thread: tried again
      throw error;
    }
  }

  #post(message: ToThread): void {
    this.#worker?.postMessage(message);
  }
}

/** A second more for each MiB of zones from elsewhere, some 30,000 records. */
function prepareTimeMs({ transferred }: ThreadData): number {
  let bytes = 0;
  for (const zone of Object.values(transferred)) {
    if (typeof zone === 'object') bytes += zone.bytes.length;
  }
  return prepareLimitMs + 1_000 * Math.ceil(bytes / 1_048_576);
}

function entryOf(role: ThreadRole): URL {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${role}-thread.${suffix}`, import.meta.url);
}
