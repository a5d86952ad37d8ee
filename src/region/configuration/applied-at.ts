import { MeridianError } from '../../base/errors.ts';
import type { RevisionInfo } from '../../revisions/revision.ts';

/**
 * When a revision was applied, in milliseconds since 1970.
 *
 * @throws MeridianError `revision_damaged`: it came from outside, and no calendar has that time
 */
export function appliedAtMs({ appliedAt, sequence }: RevisionInfo): number {
  const ms = Date.parse(appliedAt);
  if (!Number.isNaN(ms)) return ms;
  const message = `revision ${sequence} says that it was applied at a time that there is not`;
  throw new MeridianError('revision_damaged', message);
}
