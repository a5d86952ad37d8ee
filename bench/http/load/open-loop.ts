import type { Stage } from '../stage.ts';
import { LoadProcess } from './child.ts';
import type { Target } from './load-result.ts';

export interface OpenLoopOptions {
  readonly port: number;
  readonly connections: number;
  /** Requested in turn. */
  readonly targets: readonly Target[];
  /** On average: requests come due at random times. */
  readonly perSecond: number;
}

export type OpenLoopCommand =
  | { readonly kind: 'start'; readonly options: OpenLoopOptions }
  | { readonly kind: 'stop' };

/** What became of the requests, by the order in which they came due. */
export interface OpenLoopSamples {
  /** `monotonicMs`. */
  readonly dueMs: Float64Array;
  /**
   * From then to the end of the response, without the time in which the load itself stood
   * still. What is sent late, because all connections are taken, counts as slow.
   */
  readonly latencyMs: Float64Array;
  /** 0: no response, since the connection was closed or 10 s were over. */
  readonly status: Uint16Array;
  /** Connections that were closed, with a request on them or not. */
  readonly closed: number;
  /** How long the load stood still in all. */
  readonly stalledMs: number;
}

/** A load that does not wait for the responses: requests come due whatever happens to others. */
export class OpenLoop implements AsyncDisposable {
  readonly #process: LoadProcess<OpenLoopCommand, OpenLoopSamples | null>;

  private constructor(stage: Stage) {
    this.#process = new LoadProcess(stage, './open-loop-process.ts');
  }

  /** Resolves when all are connected and requests flow. */
  static async start(stage: Stage, options: OpenLoopOptions): Promise<OpenLoop> {
    const load = new OpenLoop(stage);
    try {
      await load.#process.ask({ kind: 'start', options });
      return load;
    } catch (error) {
      await load[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Resolves when all that came due before are answered or lost. */
  async stop(): Promise<OpenLoopSamples> {
    return (await this.#process.ask({ kind: 'stop' }))!;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
