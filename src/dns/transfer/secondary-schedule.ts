import type { SoaNumbers } from '../wire/records/soa.ts';

/** When to ask a primary again, and until when what was had counts; by its SOA, within bounds. */
export interface SecondaryTimes {
  readonly refreshMs: number;
  readonly retryMs: number;
  readonly expireMs: number;
}

const dayMs = 86_400_000;
/** A primary that says 0 is not asked all the time, and one that says 136 years is asked. */
const leastMs = 5_000;
const mostRefreshMs = 28 * dayMs;
const mostRetryMs = 14 * dayMs;
const mostExpireMs = 365 * dayMs;

/** Until there is a zone: from this on, doubled with each failure. */
const firstRetryMs = 2_000;
const lastRetryMs = 600_000;

/** RFC 1912 2.2: a zone that expires before it was asked for twice would expire by chance. */
export function secondaryTimes(soa: SoaNumbers): SecondaryTimes {
  const refreshMs = within(soa.refresh * 1_000, leastMs, mostRefreshMs);
  const retryMs = within(soa.retry * 1_000, leastMs, mostRetryMs);
  const expireMs = within(soa.expire * 1_000, refreshMs + retryMs, mostExpireMs);
  return { refreshMs, retryMs, expireMs };
}

/** Many secondaries, and many zones of one, do not ask at the same moment: up to a quarter earlier. */
const jitter = 0.25;

/** From a check that went well to the next. @param random [0, 1) */
export function refreshDelayMs({ refreshMs }: SecondaryTimes, random: number): number {
  return early(refreshMs, random);
}

/**
 * From a check that failed to the next.
 *
 * @param times `undefined`: there is no zone yet, or none any more
 * @param failures one after the other, this one too
 */
export function retryDelayMs(
  times: SecondaryTimes | undefined,
  failures: number,
  random: number,
): number {
  if (times) return early(times.retryMs, random);
  return early(Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 20)), random);
}

function early(ms: number, random: number): number {
  return Math.round(ms * (1 - jitter * random));
}

function within(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
