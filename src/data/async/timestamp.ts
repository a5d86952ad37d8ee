/**
 * Times of a hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014) as 16 hex
 * digits, so that texts in order are times in order:
 *
 *   018f3c2a9b10 0003
 *   └ wall time, └ count of writes that the wall clock could
 *     ms, 48 bit   not tell apart, 16 bit
 *
 * There is no clock that runs: a write's time is beyond the wall clock and beyond all that was
 * seen of its key. So nothing need be kept over a restart, a clock that was set back does not
 * matter, and a time that is far ahead stays with its key.
 */
export type Timestamp = string;

/** Below that of every write. */
export const noTime: Timestamp = '0000000000000000';

/** The year 6429: a later time is no time, so that there always is one beyond it. */
const wallEndMs = 2 ** 47;
const counterEnd = 2 ** 16;

/**
 * The least time that is not before `wallMs` and beyond `seen`. Pure.
 *
 * @throws {RangeError} when that is beyond the end of all times.
 */
export function nextTimestamp(wallMs: number, seen: Timestamp = noTime): Timestamp {
  const nowMs = Math.max(0, Math.floor(wallMs));
  const seenMs = wallMsOf(seen);
  if (nowMs > seenMs) return format(nowMs, 0);
  const counter = counterOf(seen) + 1;
  return counter < counterEnd ? format(seenMs, counter) : format(seenMs + 1, 0);
}

/** Farther ahead of the own clock, a time is a mistake and no drift: see `isAhead`. */
export const maximumAheadMs = 3_600_000;

/**
 * Whether a time is one that no clock in order can have given. What carries such a time is not
 * taken from another region until its time has come near: it would win over everything until
 * then, and outlive its `ttl`. One hour: clocks ten minutes apart are to do no harm, and what a
 * copy keeps beyond `ttl` grows with it.
 */
export function isAhead(time: Timestamp, nowMs: number, byMs = maximumAheadMs): boolean {
  return wallMsOf(time) > nowMs + byMs;
}

/**
 * For how long after their `ttl` entries stay in a log: one whose clock is ahead is over that much
 * later, and what it beat must not return.
 */
export const keptBeyondTtlMs = 2 * maximumAheadMs;

/**
 * So far ahead, a time of the own region was taken by no other one: their clocks may be ahead
 * themselves, by less than what is a mistake.
 */
export const takenByNoneMs = 2 * maximumAheadMs;

export function wallMsOf(time: Timestamp): number {
  return Number.parseInt(time.slice(0, 12), 16);
}

/** `undefined` for what is no time. */
export function parseTimestamp(text: string): Timestamp | undefined {
  return /^[0-7][0-9a-f]{15}$/.test(text) ? text : undefined;
}

function counterOf(time: Timestamp): number {
  return Number.parseInt(time.slice(12), 16);
}

function format(wallMs: number, counter: number): Timestamp {
  if (wallMs >= wallEndMs) throw new RangeError('a time beyond the end of all times');
  return wallMs.toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0');
}
