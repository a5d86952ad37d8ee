import { plain } from '../config/diff-values.ts';
import type { RevisionInfo, RevisionRef } from '../revisions/revision.ts';
import { formatAge } from './output.ts';

/** `revision 12 (ab12cd34)`; sequence 0 is a file. */
export function revisionName({ sequence, hash }: RevisionRef): string {
  const short = hash.slice(0, 8);
  return sequence === 0 ? `a file (${short})` : `revision ${sequence} (${short})`;
}

/** `12 (ab12cd34)`, for tables. */
export function revisionCell(ref: RevisionRef | undefined): string {
  if (!ref) return '-';
  const short = ref.hash.slice(0, 8);
  return ref.sequence === 0 ? `file (${short})` : `${ref.sequence} (${short})`;
}

/** `by ana@laptop 3 min ago: Move rates`. */
export function madeBy({ author, message, appliedAt }: RevisionInfo, nowMs = Date.now()): string {
  const words = message === '' ? '' : `: ${plain(message)}`;
  return `by ${plain(author)} ${age(appliedAt, nowMs)} ago${words}`;
}

/** Since an ISO 8601 time. */
export function age(time: string, nowMs = Date.now()): string {
  return formatAge(Math.max(0, nowMs - Date.parse(time)) / 1_000);
}
