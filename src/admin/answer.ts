import { MeridianError } from '../base/errors.ts';
import { ConfigError, formatIssues } from '../config/config-error.ts';
import {
  type AdminProblemCode,
  adminProblems,
  isAdminProblemCode,
  type ProblemDefinition,
} from './problems.ts';

/** What a resource answers. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of a document with thousands of mistakes so many are told. */
const shownIssues = 100;

export function json(status: number, value: object): Answer {
  const body = `${JSON.stringify(value, undefined, 2)}\n`;
  return { status, contentType: 'application/json', body };
}

/** For what may be megabytes, and is read by programs: on one line. */
export function compactJson(status: number, value: object): Answer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value)}\n` };
}

export function octets(status: number, body: Uint8Array): Answer {
  return { status, contentType: 'application/octet-stream', body };
}

/** RFC 9457, with the stable `code` and, for programs, `members` as extension members. */
export function problem(
  code: AdminProblemCode,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
  members: Readonly<Record<string, unknown>> = {},
): Answer {
  const { status, title, retryAfterSeconds }: ProblemDefinition = adminProblems[code];
  const said = { ...members, type: 'about:blank', title, status, code, detail };
  return {
    status,
    contentType: 'application/problem+json',
    body: `${JSON.stringify(said)}\n`,
    headers: {
      ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
      ...headers,
    },
  };
}

/**
 * The answer to an error that is made for people and names its cause; its details become
 * members. `undefined` for any other: that one is ours, for the log and not for the caller.
 */
export function problemOf(error: unknown): Answer | undefined {
  if (error instanceof ConfigError) return problemOfConfig(error);
  if (!(error instanceof MeridianError) || !isAdminProblemCode(error.code)) return undefined;
  return problem(error.code, error.message, {}, error.details);
}

function problemOfConfig({ code, issues }: ConfigError): Answer {
  const [first, ...more] = issues;
  const detail = first === undefined ? '' : formatIssues([first]);
  return problem(
    code,
    more.length === 0 ? detail : `${detail} (and ${more.length} more)`,
    {},
    {
      issues: issues.slice(0, shownIssues),
      issueCount: issues.length,
    },
  );
}
