import { setTimeout as timeout, setImmediate as turn } from 'node:timers/promises';

/**
 * Resolves after `ms`, when what had arrived by then was read, or at once when `signal` aborts.
 * Keeps the process alive meanwhile.
 */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await timeout(ms, undefined, { signal });
    await arrivedIsRead();
  } catch {
    // aborted: the caller looks at the signal
  }
}

/**
 * Resolves when the event loop has read what has arrived by now. Where the process stood still
 * (stopped, or its machine was), all that fell due meanwhile is called before any socket is read:
 *
 *   stood still ─▶ timers ─▶ sockets are read ─▶ immediates ─▶ timers …
 *
 * so whoever gives up when a time is over, or sends again, waits for this and looks once more. What
 * is sent before may lose it: to a connection that the other end closed, after its last words.
 */
async function arrivedIsRead(): Promise<void> {
  await turn();
  await turn(); // the first, when called among the immediates, comes before the sockets
}

/**
 * Calls `giveUp` at `deadlineMs` (of `performance.now()`), when what had arrived by then is read.
 * Returns how to stop that.
 */
export function onceLate(deadlineMs: number, giveUp: () => void): () => void {
  const late = () => void arrivedIsRead().then(giveUp);
  const timer = setTimeout(late, Math.max(1, deadlineMs - performance.now()));
  return () => clearTimeout(timer);
}

/**
 * True when `promise` resolves within `ms`, or by what had arrived then; false when it rejects,
 * takes longer, or on abort.
 */
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
