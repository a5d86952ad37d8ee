import { isOver, type KeyState } from './entries.ts';
import type { Head } from './head.ts';
import { isAhead, nextTimestamp, noTime, takenByNoneMs } from './timestamp.ts';
import { allSeen, beats, hadSeen, type Write, winner } from './writes.ts';

/*
 * What is put before an entry when it is appended to a log whose state of the key is known.
 * Pure; the append is done only if that is still the state.
 */

/**
 * An own write: beyond all that is known, so that it counts.
 *
 * A time of the own region that is far ahead of the clock comes from a clock that was wrong
 * then. Where no other region can have taken it, the next write goes back to the present.
 */
export function ownWrite(state: KeyState, region: string, deleted: boolean, nowMs: number): Head {
  const known = allSeen(state.writes);
  const own = known.get(region);
  if (own !== undefined && isAhead(own, nowMs, takenByNoneMs)) known.delete(region);
  const latest = [...known.values()].reduce((a, b) => (a > b ? a : b), noTime);
  known.delete(region);
  const at = nextTimestamp(nowMs, latest);
  return { write: { region, at, seen: known, deleted }, shown: true, displaced: undefined };
}

export interface Place {
  /** Whose log it is. */
  readonly region: string;
  readonly nowMs: number;
  readonly ttlMs: number | undefined;
}

/**
 * A write of another region; `undefined`: it, or a newer one of that region, is there.
 *
 *   counts before     the other        then it    the own write
 *   nothing, other    beats it         is shown
 *   an own write      had seen it      is shown   was replaced
 *   an own write      had not seen it  is shown   has lost: `displaced`
 *   anything          is beaten        is hidden
 */
export function copiedWrite(state: KeyState, write: Write, place: Place): Head | undefined {
  const earlier = state.writes.find(({ region }) => region === write.region);
  const own = state.writes.find(({ region }) => region === place.region);
  if ([earlier?.at, own?.seen.get(write.region)].some((at) => at && at >= write.at)) {
    return undefined;
  }
  const before = winner(state.writes);
  if (!before) return { write, shown: true, displaced: undefined };
  if (!beats(write, before)) return { write, shown: false, displaced: undefined };
  const lost =
    before.region === place.region &&
    !hadSeen(write, before) &&
    !isOver(before, place.nowMs, place.ttlMs);
  return { write, shown: true, displaced: lost ? before.at : undefined };
}

/** Whether a write of another region is to wait until its time has come near. */
export function isFromTheFuture(write: Write, nowMs: number): boolean {
  return [write.at, ...write.seen.values()].some((time) => isAhead(time, nowMs));
}
