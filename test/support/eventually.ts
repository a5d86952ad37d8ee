import { setTimeout as delay } from 'node:timers/promises';
import { fairTimer } from './fair-time.ts';

/**
 * Polls until `condition` holds (gives a value other than `undefined` or `false`). Who did not
 * get an answer looks again; who is late too, once: all of the time may have passed without this
 * process.
 */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = 20_000,
): Promise<Exclude<T, undefined | false>> {
  const passedMs = fairTimer();
  for (;;) {
    const isLate = passedMs() > timeoutMs;
    let unanswered: unknown;
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      unanswered = error;
    }
    if (isLate) {
      throw new Error(`waited ${timeoutMs} ms for: ${what}`, { cause: unanswered });
    }
    await delay(20);
  }
}

/** Looks again while the look finds something wrong, and throws what is wrong at the end. */
export async function eventuallyRight<T>(look: () => Promise<T>, timeoutMs = 20_000): Promise<T> {
  const passedMs = fairTimer();
  for (;;) {
    const isLate = passedMs() > timeoutMs;
    try {
      return await look();
    } catch (error) {
      if (isLate) throw error;
    }
    await delay(20);
  }
}

const unansweredCodes = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'lookup_timeout', 'lookup_failed'];

/**
 * A request that found nobody, took too long, or met the end of its connection. Not a verdict on
 * what was to be looked at: a machine that stands still for seconds does that too.
 */
function isUnanswered(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, message, code } = error as Error & { code?: unknown };
  if (name === 'TimeoutError' || (name === 'AbortError' && code === 'ABORT_ERR')) return true;
  return message === 'fetch failed' || unansweredCodes.includes(String(code));
}
