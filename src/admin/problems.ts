import { MeridianError } from '../base/errors.ts';
import type { ConfigErrorCode } from '../config/config-error.ts';
import type { ExclusiveErrorCode } from '../exclusive/hand-over.ts';
import { type RevisionErrorCode, revisionErrors } from '../revisions/errors.ts';
import type { SecretErrorCode } from '../secrets/secret-error.ts';
import { type ShiftErrorCode, shiftErrors } from '../shifts/errors.ts';
import type { StoreErrorCode } from '../store/errors.ts';

export interface ProblemDefinition {
  readonly status: number;
  readonly title: string;
  /** When the same request may succeed. */
  readonly retryAfterSeconds?: number;
}

/** What the admin API itself finds wrong. */
const ownProblems = {
  malformed_request: { status: 400, title: 'The request is not valid HTTP' },
  bad_parameter: { status: 400, title: 'A parameter is missing or not valid' },
  bad_body: { status: 400, title: 'The request body is not what the resource takes' },
  cannot_explain: { status: 400, title: 'The question cannot be explained' },
  token_required: { status: 401, title: 'This needs the admin token' },
  loopback_only: { status: 403, title: 'The admin API answers on loopback only' },
  foreign_host: { status: 403, title: 'The Host field must be an IP address or localhost' },
  changes_disabled: { status: 403, title: 'This node was started without an admin token' },
  /** Of revisions, where the engine is `memory`. */
  no_store: { status: 409, title: 'The node has no store and follows its file' },
  not_found: { status: 404, title: 'There is no such resource' },
  method_not_allowed: { status: 405, title: 'The resource does not have this method' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  request_aborted: { status: 400, title: 'The request ended before its body did' },
  body_too_large: { status: 413, title: 'The request body is too large' },
  unsupported_media_type: { status: 415, title: 'The resource takes another type of body' },
  headers_too_large: { status: 431, title: 'The request fields are too large' },
  internal_error: { status: 500, title: 'The node failed to answer' },
} as const satisfies Record<string, ProblemDefinition>;

const configProblems: Record<ConfigErrorCode, ProblemDefinition> = {
  config_invalid: { status: 422, title: 'The configuration is not valid' },
  config_unreadable: { status: 422, title: 'The configuration cannot be read' },
};

const revisionTitles: Record<RevisionErrorCode, string> = {
  revision_conflict: 'The configuration was changed by somebody else',
  revision_unchanged: 'The configuration is that of the current revision',
  revision_unknown: 'There is no such revision',
  revision_damaged: 'What the store holds of the revision is damaged',
  revision_too_large: 'The configuration is too large',
  no_revision: 'No revision was ever applied',
  change_invalid: 'What is said of the change is not valid',
  rollout_running: 'A rollout is under way',
  rollout_invalid: 'The rollout is not valid',
  outcome_unknown: 'Whether it was accepted is not known',
  report_invalid: 'The report is not valid',
  bundle_damaged: 'The bundle is damaged',
  bundle_version: 'The bundle is of another version',
};

const shiftTitles: Record<ShiftErrorCode, string> = {
  shift_invalid: 'The shift makes no sense for the configuration',
  shift_unknown: 'There is no such shift',
  shift_exists: 'There is such a shift already',
  shift_not_possible: 'The shift is not in a state for that',
  shift_unsafe: 'Nobody would be left to take the clients',
  shift_conflict: 'Shifts were changed by others meanwhile',
  shift_damaged: 'What the store holds of shifts is damaged',
  shift_outcome_unknown: 'Whether it was accepted is not known',
};

const retryAfterSeconds = 2;

const unavailable = { status: 503, title: 'The store did not take it', retryAfterSeconds };

const storeProblems: Record<StoreErrorCode, ProblemDefinition> = {
  store_unreachable: unavailable,
  no_quorum: unavailable,
  store_full: { ...unavailable, retryAfterSeconds: 60 },
  store_closed: unavailable,
  store_unsafe: { ...unavailable, retryAfterSeconds: 60 },
  position_lost: { status: 410, title: 'What came after that position is not known any more' },
  object_damaged: { ...unavailable, title: 'What the store holds is damaged' },
  revision_mismatch: { status: 409, title: 'It was changed by somebody else at the same time' },
  key_exists: { status: 409, title: 'It is there already' },
  invalid_key: { status: 422, title: 'The store takes no such name' },
  value_too_large: { status: 422, title: 'The store takes no value of this size' },
};

const locked = { status: 503, title: 'The node cannot open secrets', retryAfterSeconds: 60 };

const secretProblems: Record<SecretErrorCode, ProblemDefinition> = {
  secret_unknown: { status: 404, title: 'There is no secret of this name' },
  secret_conflict: { status: 409, title: 'The secret was changed at the same time' },
  secret_name_invalid: { status: 422, title: 'No secret can have this name' },
  secret_value_invalid: { status: 422, title: 'This value cannot be kept as a secret' },
  secret_key_unreadable: locked,
  secret_key_invalid: locked,
  secret_key_missing: locked,
  secret_key_wrong: locked,
  secret_damaged: locked,
  secret_file_unreadable: locked,
};

const exclusiveProblems: Record<ExclusiveErrorCode, ProblemDefinition> = {
  exclusive_unknown: { status: 404, title: 'There is no exclusive set of this name' },
  exclusive_region: { status: 422, title: 'The region never becomes active for the set' },
  exclusive_unfit: { status: 409, title: 'The region is not healthy' },
  exclusive_not_held: { status: 409, title: 'No region was ever active' },
  exclusive_held: { status: 409, title: 'A node that holds on is not heard' },
  exclusive_contended: { status: 503, title: 'The lease changes too often', retryAfterSeconds },
};

/** Every error that the admin API answers, its own and those of what it asks: code → status. */
export const adminProblems: Readonly<Record<AdminProblemCode, ProblemDefinition>> = {
  ...ownProblems,
  ...configProblems,
  ...problemsOf(revisionErrors, revisionTitles),
  ...problemsOf(shiftErrors, shiftTitles),
  ...storeProblems,
  ...secretProblems,
  ...exclusiveProblems,
};

export type AdminProblemCode =
  | keyof typeof ownProblems
  | ConfigErrorCode
  | RevisionErrorCode
  | ExclusiveErrorCode
  | ShiftErrorCode
  | StoreErrorCode
  | SecretErrorCode;

function problemsOf<Code extends string>(
  errors: Readonly<Record<Code, { readonly status: number; readonly retryable: boolean }>>,
  titles: Readonly<Record<Code, string>>,
): Record<Code, ProblemDefinition> {
  const codes = Object.keys(errors) as Code[];
  const entries = codes.map((code) => {
    const { status, retryable } = errors[code];
    return [code, { status, title: titles[code], ...(retryable && { retryAfterSeconds }) }];
  });
  return Object.fromEntries(entries);
}

export function isAdminProblemCode(code: string): code is AdminProblemCode {
  return Object.hasOwn(adminProblems, code);
}

/** `details` become members of the problem. */
export function fault(
  code: AdminProblemCode,
  detail: string,
  details: Readonly<Record<string, unknown>> = {},
): MeridianError<AdminProblemCode> {
  return new MeridianError(code, detail, { details });
}
