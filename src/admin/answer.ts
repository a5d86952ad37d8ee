/** What a resource answers. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Every error that the admin API itself answers: code → status and title. */
export const adminProblems = {
  malformed_request: { status: 400, title: 'The request is not valid HTTP' },
  bad_parameter: { status: 400, title: 'A parameter is missing or not valid' },
  cannot_explain: { status: 400, title: 'The question cannot be explained' },
  token_required: { status: 401, title: 'This needs the admin token' },
  loopback_only: { status: 403, title: 'The admin API answers on loopback only' },
  foreign_host: { status: 403, title: 'The Host field must be an IP address or localhost' },
  changes_disabled: { status: 403, title: 'This node was started without an admin token' },
  not_found: { status: 404, title: 'There is no such resource' },
  method_not_allowed: { status: 405, title: 'The resource does not have this method' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  body_too_large: { status: 413, title: 'The request body is too large' },
  headers_too_large: { status: 431, title: 'The request fields are too large' },
  internal_error: { status: 500, title: 'The node failed to answer' },
} as const;
export type AdminProblemCode = keyof typeof adminProblems;

export function json(status: number, value: object): Answer {
  const body = `${JSON.stringify(value, undefined, 2)}\n`;
  return { status, contentType: 'application/json', body };
}

/** RFC 9457, with the stable `code` as an extension member. */
export function problem(
  code: AdminProblemCode,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const { status, title } = adminProblems[code];
  const body = `${JSON.stringify({ type: 'about:blank', title, status, code, detail })}\n`;
  return { status, contentType: 'application/problem+json', body, headers };
}
