import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../../src/base/errors.ts';
import { fairTimer } from './fair-time.ts';

/** How operations on data end that nobody answered in their time. */
const passing = new Set(['unreachable', 'no_quorum', 'timeout', 'connection_failed']);

/**
 * Does it again when nobody answered: an operation on data is given 2.5 s, and a busy machine may
 * stand still for longer. For what may be done twice.
 */
export async function patiently<T>(operation: () => Promise<T>, limitMs = 15_000): Promise<T> {
  const passedMs = fairTimer();
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (!passing.has(codeOf(error) ?? '') || passedMs() > limitMs) throw error;
    }
    await delay(50);
  }
}
