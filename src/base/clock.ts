/** A timer that was set; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/**
 * Where time comes from. Decision logic takes times as arguments; shells take a
 * `Clock`, so that tests and the simulation own the time.
 */
export interface Clock {
  /** Wall time in milliseconds since 1970. May jump. For logs and persisted ages. */
  wallMs(): number;
  /** Monotonic time in milliseconds, of one origin in all threads of a process. For every interval. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs` (≥ 0). Does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
}

/** `performance.now` counts from the start of its thread, what it is built on from one origin. */
const threadStartedMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The machine's own clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => threadStartedMs + performance.now(),
  after(delayMs, run) {
    const timeout = setTimeout(run, delayMs);
    timeout.unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};
