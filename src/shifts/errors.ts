import { MeridianError } from '../base/errors.ts';

/**
 * What can go wrong with shifts of traffic, beside the errors of the store. `status` is that of
 * the admin API's answer; `retryable`: whether the same call may succeed when it is made again.
 *
 *   shift_invalid          the plan makes no sense for the configuration; `details.field` says
 *                          what of it
 *   shift_unknown          there is no such shift, or it is no longer kept
 *   shift_exists           the subject has a shift already; `details.id`
 *   shift_not_possible     what is asked is not for a shift in this state
 *   shift_unsafe           nobody would be left to take the clients of a region
 *   shift_conflict         it is another than was seen (`details` has what it is now); or others
 *                          changed shifts at the same time, again and again
 *   shift_damaged          what the store holds cannot be read; nothing was changed
 *   shift_outcome_unknown  the confirmation did not come; look before doing it again
 */
export const shiftErrors = {
  shift_invalid: { status: 422, retryable: false },
  shift_unknown: { status: 404, retryable: false },
  shift_exists: { status: 409, retryable: false },
  shift_not_possible: { status: 409, retryable: false },
  shift_unsafe: { status: 409, retryable: false },
  shift_conflict: { status: 409, retryable: false },
  shift_damaged: { status: 500, retryable: false },
  shift_outcome_unknown: { status: 503, retryable: true },
} as const satisfies Readonly<Record<string, { status: number; retryable: boolean }>>;

export type ShiftErrorCode = keyof typeof shiftErrors;

/** Throws it. */
export function fail(
  code: ShiftErrorCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): never {
  throw new MeridianError<ShiftErrorCode>(code, message, { details });
}

/** True for an error of this area, of the given code where one is named. */
export function isShiftError(
  error: unknown,
  code?: ShiftErrorCode,
): error is MeridianError<ShiftErrorCode> {
  if (!(error instanceof MeridianError) || !Object.hasOwn(shiftErrors, error.code)) return false;
  return code === undefined || error.code === code;
}
