import { isDeepStrictEqual } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../observability/log.ts';
import type { StoreOptions } from '../../store/open.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { type DataPlan, dataPlanOf } from './data-plan.ts';
import type {
  DataReport,
  DataThreadData,
  FromDataThread,
  ToDataThread,
} from './thread-messages.ts';

const firstRetryMs = 100;
const lastRetryMs = 5_000;
const closeLimitMs = 6_000;
/** For buckets that are new to be made: no trouble yet. */
const graceMs = 10_000;

export interface DataServiceOptions {
  /**
   * Of a connection with that name. Asked at each start of the thread.
   *
   * @throws MeridianError: then it is tried again
   */
  store(name: string): StoreOptions;
  /** Names the node in the store. */
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The data API of a node, in a thread of its own:
 *
 *   no buckets ──plan──▶ starting ──listening──▶ serving ──plan──▶ serving, with the new one
 *       ▲                   ▲  │ failed             │ died, or another port
 *       │                   │  ▼                    ▼
 *       └──── no plan ──── waiting, 0.1 to 5 s ◀────┘
 *
 * The node serves its traffic whether or not this works; what does not is a trouble.
 */
export class DataService {
  readonly #options: DataServiceOptions;
  #plan: DataPlan | undefined;
  #worker: Worker | undefined;
  #report: DataReport | undefined;
  #port: number | undefined;
  #retryMs = firstRetryMs;
  #retry: Timer | undefined;
  #trouble: string | undefined;
  /** When the thread was last given buckets. */
  #givenAtMs = 0;
  #closed = false;

  constructor(options: DataServiceOptions) {
    this.#options = options;
  }

  get plan(): DataPlan | undefined {
    return this.#plan;
  }

  /** What it listens on; `undefined`: it does not. */
  get port(): number | undefined {
    return this.#port;
  }

  /** The latest of the thread. */
  get report(): DataReport | undefined {
    return this.#report;
  }

  /** What does not work, a sentence each. */
  get troubles(): readonly string[] {
    if (this.#trouble !== undefined) return [`the data API does not serve: ${this.#trouble}`];
    if (this.#options.clock.monotonicMs() - this.#givenAtMs < graceMs) return [];
    return Object.entries(this.#report?.buckets ?? {}).flatMap(([name, { problem }]) =>
      problem === undefined ? [] : [`data bucket ${name}: ${problem}`],
    );
  }

  /** Serves what the configuration says from now on. */
  use(configuration: Pick<Configuration, 'config' | 'own' | 'material'>): void {
    const plan = dataPlanOf(configuration);
    const before = this.#plan;
    if (this.#closed || isDeepStrictEqual(plan, before)) return;
    this.#plan = plan;
    this.#givenAtMs = this.#options.clock.monotonicMs();
    const stays = plan && before && plan.host === before.host && plan.port === before.port;
    if (stays && this.#worker) this.#post({ kind: 'plan', plan });
    else if (this.#worker)
      this.#post({ kind: 'close' }); // and is started anew if it is to be
    else this.#start();
  }

  /** As if it had died: it is replaced. */
  async endThread(): Promise<void> {
    await this.#worker?.terminate();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#post({ kind: 'close' });
    const force = this.#options.clock.after(closeLimitMs, () => void worker.terminate());
    await ended;
    force.cancel();
  }

  #start(): void {
    this.#retry?.cancel();
    const plan = this.#plan;
    if (this.#closed || !plan) return;
    try {
      const node = `${this.#options.node}.data`;
      const workerData: DataThreadData = { plan, node, store: this.#options.store(node) };
      this.#listenTo(new Worker(entry, { workerData }), plan);
    } catch (error) {
      this.#again(messageOf(error));
    }
  }

  #listenTo(worker: Worker, plan: DataPlan): void {
    const { log, clock } = this.#options;
    let reason = '';
    this.#worker = worker;
    worker.on('message', (message: FromDataThread) => {
      if (message.kind === 'log') log[message.level](message.message, message.fields);
      else if (message.kind === 'report') this.#report = message.report;
      else if (message.kind === 'failed') reason = message.message;
      else {
        this.#port = message.port;
        this.#givenAtMs = clock.monotonicMs();
        this.#retryMs = firstRetryMs;
        this.#trouble = undefined;
        log.info('serving data', { host: plan.host, port: message.port });
        if (this.#plan && this.#plan !== plan) this.#post({ kind: 'plan', plan: this.#plan });
      }
    });
    worker.on('error', (error) => {
      reason = messageOf(error);
    });
    worker.on('exit', (code) => {
      this.#worker = undefined;
      this.#port = undefined;
      this.#report = undefined;
      if (code === 0 && reason === '')
        this.#start(); // asked to end, for another plan or none
      else this.#again(reason || `exit code ${code}`);
    });
  }

  #again(reason: string): void {
    if (this.#closed) return;
    const { log, clock } = this.#options;
    if (this.#trouble !== reason) log.error('the data API does not serve', { reason });
    this.#trouble = reason;
    const delayMs = this.#retryMs;
    this.#retryMs = Math.min(lastRetryMs, delayMs * 2);
    this.#retry = clock.after(delayMs, () => this.#start());
  }

  #post(message: ToDataThread): void {
    this.#worker?.postMessage(message);
  }
}

const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const entry = new URL(`./data-thread.${suffix}`, import.meta.url);
