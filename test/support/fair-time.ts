import { readFileSync } from 'node:fs';

/** So much of what passed counts however busy the machine is: every limit can be broken. */
const leastShare = 1 / 4;

/**
 * A stopwatch for limits that hold where a processor is to be had: time in which processes of
 * this machine waited for one does not count, nor time in which the machine itself did, as far
 * as the system tells. Gives milliseconds.
 */
export function fairTimer(): () => number {
  const startedMs = performance.now();
  const startedStallMs = stallMs() + stolenMs();
  return () => {
    const tookMs = performance.now() - startedMs;
    return Math.max(leastShare * tookMs, tookMs - (stallMs() + stolenMs() - startedStallMs));
  };
}

/** Calls `late` when that much of such time has passed. Gives what calls it off. */
export function fairTimeout(limitMs: number, late: () => void): () => void {
  const passedMs = fairTimer();
  let timer = setTimeout(look, limitMs);
  function look(): void {
    const leftMs = limitMs - passedMs();
    if (leftMs <= 0) late();
    else timer = setTimeout(look, leftMs + 10);
  }
  return () => clearTimeout(timer);
}

const sampledMs = 100;

/**
 * When the machine stood still while this went on, in the sense of `fairTimer`; or this process
 * did, for whatever reason.
 */
export class StallLog {
  readonly #samples: {
    readonly atMs: number;
    readonly stallMs: number;
    readonly lateMs: number;
  }[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), sampledMs);
  }

  /** How much of the time from one moment to another, times as of `performance.now`. */
  between(fromMs: number, toMs: number): number {
    if (toMs > this.#samples.at(-1)!.atMs) this.#sample();
    const from = this.#samples.findLast(({ atMs }) => atMs <= fromMs) ?? this.#samples[0]!;
    const to = this.#samples.find(({ atMs }) => atMs >= toMs) ?? this.#samples.at(-1)!;
    const stoodMs = Math.max(to.stallMs - from.stallMs, to.lateMs - from.lateMs);
    return Math.min((1 - leastShare) * (toMs - fromMs), stoodMs);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#sample();
  }

  #sample(): void {
    const atMs = performance.now();
    const last = this.#samples.at(-1);
    const gapMs = last ? atMs - last.atMs : 0;
    const lateMs = (last?.lateMs ?? 0) + (gapMs > 2 * sampledMs ? gapMs - sampledMs : 0);
    this.#samples.push({ atMs, stallMs: stallMs() + stolenMs(), lateMs });
  }
}

/** How long in total some process had to wait for a processor (Linux: pressure stall information). */
function stallMs(): number {
  try {
    const [some = ''] = readFileSync('/proc/pressure/cpu', 'latin1').split('\n');
    return Number(/^some .*total=(\d+)$/.exec(some)?.[1] ?? 0) / 1_000;
  } catch {
    return 0;
  }
}

/** How long in total its host gave a processor of this machine to others (Linux: steal). */
function stolenMs(): number {
  try {
    const [all = ''] = readFileSync('/proc/stat', 'latin1').split('\n');
    return Number(all.trim().split(/\s+/)[8] ?? 0) * 10;
  } catch {
    return 0;
  }
}
