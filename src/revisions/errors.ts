import { MeridianError, type MeridianErrorOptions } from '../base/errors.ts';

/**
 * What can go wrong with revisions, beside the errors of the store. `status` is that of the
 * admin API's answer; `retryable`: whether the same call may succeed when it is made again.
 *
 *   revision_conflict    somebody else changed the configuration since `details.expected`;
 *                        it is `details.found` now
 *   revision_unchanged   the content is the one that regions are told to run already
 *   revision_unknown     there is no such revision, or it is no longer kept
 *   revision_damaged     what the store holds of it cannot be read; nothing was changed
 *   revision_too_large   more than `maximumDocumentBytes` as JSON
 *   no_revision          nothing was ever applied
 *   change_invalid       author, message, hash or seed is out of bounds
 *   rollout_running      a rollout is under way; roll it back, or say that it is superseded
 *   rollout_invalid      waves, pause or bounds make no sense for the document
 *   outcome_unknown      the confirmation did not come; the same change (`details.change`)
 *                        sent again finds out whether it had been accepted
 *   report_invalid       an acknowledgement or report is malformed
 *   bundle_damaged       a bundle file is torn, altered, or not a bundle
 *   bundle_version       a bundle file of another version of Meridian
 */
export const revisionErrors = {
  revision_conflict: { status: 409, retryable: false },
  revision_unchanged: { status: 409, retryable: false },
  revision_unknown: { status: 404, retryable: false },
  revision_damaged: { status: 500, retryable: false },
  revision_too_large: { status: 413, retryable: false },
  no_revision: { status: 404, retryable: false },
  change_invalid: { status: 400, retryable: false },
  rollout_running: { status: 409, retryable: false },
  rollout_invalid: { status: 400, retryable: false },
  outcome_unknown: { status: 503, retryable: true },
  report_invalid: { status: 400, retryable: false },
  bundle_damaged: { status: 400, retryable: false },
  bundle_version: { status: 400, retryable: false },
} as const satisfies Readonly<Record<string, { status: number; retryable: boolean }>>;

export type RevisionErrorCode = keyof typeof revisionErrors;

export type RevisionError = MeridianError<RevisionErrorCode>;

export function revisionError(
  code: RevisionErrorCode,
  message: string,
  options: MeridianErrorOptions = {},
): RevisionError {
  return new MeridianError(code, message, options);
}

/** Throws it. */
export function fail(
  code: RevisionErrorCode,
  message: string,
  options: MeridianErrorOptions = {},
): never {
  throw revisionError(code, message, options);
}

/** True for an error of this area, of the given code where one is named. */
export function isRevisionError(error: unknown, code?: RevisionErrorCode): error is RevisionError {
  if (!(error instanceof MeridianError) || !Object.hasOwn(revisionErrors, error.code)) return false;
  return code === undefined || error.code === code;
}
