import type { Clock, Timer } from '../base/clock.ts';
import type { ProbeResult } from './own-probes.ts';
import type { ProbeTarget } from './targets.ts';

/**
 * `ok` is `undefined` where there was nothing to measure. `detail` is for people: `status
 * 503`, `connection refused`.
 */
export type Outcome = (ok: boolean | undefined, detail: string) => void;

/**
 * Starts one probe. Calls `done` once, later and within the total limit of the check, unless
 * the returned function has ended the probe before.
 */
export type Probe = (target: ProbeTarget, done: Outcome) => () => void;

export interface ProberOptions {
  readonly probe: Probe;
  readonly clock: Clock;
  /** [0, 1). */
  readonly random: () => number;
  readonly onResult: (result: ProbeResult) => void;
}

interface Run {
  target: ProbeTarget;
  timer: Timer | undefined;
  stop: (() => void) | undefined;
}

/** Intervals vary by this share to either side, so that observers do not fall in step. */
const jitter = 0.1;
/** New targets start this far apart at most, so that a thousand do not start at one instant. */
const staggerMs = 1;

/**
 * Runs the probes of a node, one at a time per target:
 *
 *   start      done                 start
 *   ──┴─────────┴──────────────────────┴──▶
 *     ◀──────── interval ± 10 % ──────▶       from start to start, so that a target that
 *                                             costs the whole limit is probed as often
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #runs = new Map<string, Run>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Follows a new list: what is gone ends at once, what is new is probed at once. */
  update(targets: readonly ProbeTarget[]): void {
    const wanted = new Set(targets.map(({ key }) => key));
    for (const [key, run] of this.#runs) if (!wanted.has(key)) this.#end(key, run);
    const fresh = wanted.size - this.#runs.size;
    let added = 0;
    for (const target of targets) {
      const running = this.#runs.get(target.key);
      if (running) {
        running.target = target;
        continue;
      }
      const run: Run = { target, timer: undefined, stop: undefined };
      this.#runs.set(target.key, run);
      this.#startAfter(run, added++ * Math.min(staggerMs, target.check.interval / fresh));
    }
  }

  close(): void {
    for (const [key, run] of this.#runs) this.#end(key, run);
  }

  #end(key: string, run: Run): void {
    run.timer?.cancel();
    run.stop?.();
    this.#runs.delete(key);
  }

  #startAfter(run: Run, delayMs: number): void {
    run.timer = this.#options.clock.after(delayMs, () => this.#start(run));
  }

  #start(run: Run): void {
    const { clock, random, probe, onResult } = this.#options;
    const startedMs = clock.monotonicMs();
    const spread = 1 + jitter * (2 * random() - 1);
    const dueMs = startedMs + run.target.check.interval * spread;
    run.timer = undefined;
    run.stop = probe(run.target, (ok, detail) => {
      run.stop = undefined;
      const atMs = clock.monotonicMs();
      this.#startAfter(run, Math.max(0, dueMs - atMs));
      onResult({ target: run.target.key, ok, detail, startedMs, atMs });
    });
  }
}
