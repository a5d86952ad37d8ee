import { setTimeout as timeout } from 'node:timers/promises';

/** Resolves after `ms`, or at once when `signal` aborts. Keeps the process alive meanwhile. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await timeout(ms, undefined, { signal });
  } catch {
    // aborted: the caller looks at the signal
  }
}

/** True when `promise` resolves within `ms`; false when it rejects, takes longer, or on abort. */
export async function resolvesWithin(
  promise: Promise<unknown>,
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  const settled = new AbortController();
  const resolved = promise.then(
    () => true,
    () => false,
  );
  const late = sleep(ms, AbortSignal.any([signal, settled.signal])).then(() => false);
  const result = await Promise.race([resolved, late]);
  settled.abort();
  return result;
}
