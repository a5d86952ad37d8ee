import type { LogState } from '../../store/regional-log.ts';
import { dataError } from '../errors.ts';

/** Up to where a watch has told of a region's log, and when what is told then was stored. */
export interface Cursor {
  readonly epoch: string;
  readonly sequence: number;
  readonly storedAtMs: number;
}

const pattern = /^([0-9]{1,40})\.(\d{1,15})\.(\d{1,15})$/;

/** `EPOCH.SEQUENCE.TIME`: good in its region, as long as its log is the same. */
export function cursorText({ epoch, sequence, storedAtMs }: Cursor): string {
  return `${epoch}.${sequence}.${Math.max(0, Math.floor(storedAtMs))}`;
}

/** @throws {DataError} `cursor_invalid` */
export function parseCursor(text: string): Cursor {
  const [, epoch, sequence, storedAtMs] = pattern.exec(text) ?? [];
  if (epoch === undefined) {
    throw dataError('cursor_invalid', 'the cursor is none that a watch of an async bucket gave');
  }
  return { epoch, sequence: Number(sequence), storedAtMs: Number(storedAtMs) };
}

/** Of a time in RFC 3339, its digits. */
export function epochOf(state: LogState): string | undefined {
  return state.epoch?.replace(/\D/g, '');
}

/** Whether all that came after a cursor is still there. Pure. */
export function isKept(
  cursor: Cursor,
  state: LogState,
  { nowMs, ttlMs }: { readonly nowMs: number; readonly ttlMs: number | undefined },
): boolean {
  if (cursor.epoch !== epochOf(state)) return false;
  if (ttlMs === undefined || cursor.sequence >= state.lastSequence) return true;
  return nowMs - cursor.storedAtMs < ttlMs;
}
