import { setTimeout as delay } from 'node:timers/promises';
import { fairTimer } from './fair-time.ts';

/** Polls until `condition` holds (gives a value other than `undefined` or `false`). */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = 20_000,
): Promise<Exclude<T, undefined | false>> {
  const passedMs = fairTimer();
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
    if (passedMs() > timeoutMs) throw new Error(`waited ${timeoutMs} ms for: ${what}`);
    await delay(20);
  }
}
