import { readFileSync } from 'node:fs';

/** So much of what passed counts however busy the machine is: every limit can be broken. */
const leastShare = 1 / 4;

/**
 * A stopwatch for limits that hold where a processor is to be had: time in which processes of
 * this machine waited for one does not count, as far as the system tells. Gives milliseconds.
 */
export function fairTimer(): () => number {
  const startedMs = performance.now();
  const startedStallMs = stallMs();
  return () => {
    const tookMs = performance.now() - startedMs;
    return Math.max(leastShare * tookMs, tookMs - (stallMs() - startedStallMs));
  };
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
