import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The process as the operating system and the event loop see it. */
export interface ProcessFigures {
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Since 1970. */
  readonly startTimeSeconds: number;
  readonly uptimeSeconds: number;
  readonly eventLoopDelaySeconds: Readonly<Record<'mean' | 'p99' | 'max', number>>;
}

const resolutionMs = 20;
const leastWindowMs = 10_000;
const nanosecondsPerSecond = 1e9;

/**
 * Measures the process and the event loop of the thread that made it. The figures of
 * the event loop are those of a window of at least 10 s, so that several scrapers do not
 * take each other's samples away.
 */
export class ProcessMeter {
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMs });
  #windowStartMs = performance.now();

  constructor() {
    this.#delay.enable();
  }

  read(): ProcessFigures {
    const { user, system } = process.cpuUsage();
    const eventLoopDelaySeconds = {
      mean: delaySeconds(this.#delay.mean),
      p99: delaySeconds(this.#delay.percentile(99)),
      max: delaySeconds(this.#delay.max),
    };
    if (performance.now() - this.#windowStartMs >= leastWindowMs) {
      this.#delay.reset();
      this.#windowStartMs = performance.now();
    }
    return {
      cpuSeconds: (user + system) / 1e6,
      residentBytes: process.memoryUsage.rss(),
      startTimeSeconds: performance.timeOrigin / 1_000,
      uptimeSeconds: process.uptime(),
      eventLoopDelaySeconds,
    };
  }

  close(): void {
    this.#delay.disable();
  }
}

/** The histogram holds the time between two timers, the wanted one included; NaN when empty. */
function delaySeconds(nanoseconds: number): number {
  const seconds = nanoseconds / nanosecondsPerSecond - resolutionMs / 1_000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : 0;
}
