import type { Position } from '../../store/declared.ts';
import { dataError } from '../errors.ts';

/** `EPOCH.REVISION.TIME`: good in every region. Opaque to its users. */
export function cursorOf({ epoch, revision, writtenAtMs }: Position): string {
  return `${epoch}.${revision}.${writtenAtMs}`;
}

const pattern = /^([A-Za-z0-9-]{1,64})\.(\d{1,15})\.(\d{1,15})$/;

/** @throws {DataError} `cursor_invalid` */
export function parseCursor(text: string): Position {
  const [, epoch, revision, writtenAtMs] = pattern.exec(text) ?? [];
  if (epoch === undefined) {
    throw dataError('cursor_invalid', 'the cursor is none that a watch of a sync bucket gave');
  }
  return { epoch, revision: Number(revision), writtenAtMs: Number(writtenAtMs) };
}
