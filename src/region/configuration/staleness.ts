import type { Config } from '../../config/schema/config.ts';
import { formatDuration } from '../../config/schema/units.ts';

/** What the age of a node's knowledge means for what it does. */
export interface StalenessVerdict {
  /** Older than the configuration allows. */
  readonly stale: boolean;
  /** Leave clients to other nodes until it is current again. */
  readonly withdraw: boolean;
  /** For people; `undefined` while it is not stale. */
  readonly reason: string | undefined;
}

/**
 * The rule of `staleness`. `staleForMs` is the time since the node knew that it runs the
 * newest revision; `undefined`: nobody else could know better. A node that has not heard
 * from the store since its start counts from the start.
 */
export function judgeStaleness(
  { maximum, beyond }: Config['staleness'],
  staleForMs: number | undefined,
  runningForMs: number,
): StalenessVerdict {
  const ageMs = staleForMs === undefined ? 0 : Math.min(staleForMs, runningForMs);
  if (ageMs <= maximum) return { stale: false, withdraw: false, reason: undefined };
  const since = formatDuration(Math.floor(ageMs / 1_000) * 1_000);
  const reason = `the configuration may be out of date: nothing was heard of it for ${since}`;
  const withdraw = beyond === 'withdraw';
  return {
    stale: true,
    withdraw,
    reason: withdraw ? `${reason}; clients are left to others` : reason,
  };
}
