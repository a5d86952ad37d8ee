import type { WireErrorCode } from '../http1/wire-error.ts';

/** Whose fault a problem is: of the request, of this gateway or its state, or of the service. */
export type ProblemSource = 'client' | 'gateway' | 'upstream';

/** One kind of error answer of the gateway. `docs/reference/errors.md` is made from these. */
export interface ProblemDefinition {
  readonly status: number;
  /** The same for every occurrence (RFC 9457 section 3.1.3). */
  readonly title: string;
  /** What it means and what to do, for the reference page. Never sent. */
  readonly meaning: string;
  readonly source: ProblemSource;
  /** Whether the same request may succeed when it is sent again. */
  readonly retryable: boolean;
}

function define(
  status: number,
  source: ProblemSource,
  retryable: boolean,
  title: string,
  meaning: string,
): ProblemDefinition {
  return Object.freeze({ status, title, meaning, source, retryable });
}

/** What the wire code refuses in a request; an invalid response is `upstream_bad_response`. */
type RequestWireCode = Exclude<WireErrorCode, 'bad_upstream_response'>;

/** The registry: every error that a gateway answers by itself. Codes are stable. */
export const problems = Object.freeze({
  bad_request_line: define(
    400,
    'client',
    false,
    'The request line is not valid',
    'Method, target or version break RFC 9112 section 3.',
  ),
  bad_target: define(
    400,
    'client',
    false,
    'The request target is not valid',
    'The form of the target does not fit the method, or it holds illegal characters.',
  ),
  bad_path: define(
    400,
    'client',
    false,
    'The path is not valid',
    'The path holds an encoded slash, backslash, NUL, control character or a broken escape.',
  ),
  bad_line_ending: define(
    400,
    'client',
    false,
    'A line does not end with CRLF',
    'A CR or LF stands alone, which parsers read differently.',
  ),
  bad_field: define(
    400,
    'client',
    false,
    'A header field is not valid',
    'A field name or value breaks RFC 9110 section 5, or a line is folded.',
  ),
  bad_host: define(
    400,
    'client',
    false,
    'The Host field is missing or not valid',
    'Exactly one valid Host is needed, and it must agree with an absolute target.',
  ),
  bad_request_framing: define(
    400,
    'client',
    false,
    'The body framing is not valid or ambiguous',
    'Content-Length and Transfer-Encoding contradict each other, repeat, or are malformed.',
  ),
  bad_chunk: define(
    400,
    'client',
    false,
    'A chunk of the body is not valid',
    'A chunk size or extension breaks RFC 9112 section 7.1 or exceeds a limit.',
  ),
  bad_trailer: define(
    400,
    'client',
    false,
    'The trailer section is not valid',
    'A trailer field breaks RFC 9112 section 7.1.2.',
  ),
  misdirected_request: define(
    421,
    'client',
    false,
    'The host is not served on this connection',
    'The TLS connection was made for a certificate that does not name the host: ask for it on a connection of its own. Or no domain and no route names the host, and the default endpoint is off.',
  ),
  report_invalid: define(
    400,
    'client',
    false,
    'The report is not one of measured latencies',
    'What was sent to the `/report` of `latency.beacon` is not in its form, or tells of what cannot be: see the guide on client location.',
  ),
  incomplete_body: define(
    400,
    'client',
    false,
    'The body is incomplete',
    'The connection ended before the body did.',
  ),
  uri_too_long: define(
    414,
    'client',
    false,
    'The request target is too long',
    'The request line exceeds the limit of the gateway.',
  ),
  body_too_large: define(
    413,
    'client',
    false,
    'The content is too large',
    'The content exceeds the limit of the route or of the gateway (`limits.body`).',
  ),
  expectation_failed: define(
    417,
    'client',
    false,
    'The expectation is not supported',
    'Expect holds something else than `100-continue`.',
  ),
  fields_too_large: define(
    431,
    'client',
    false,
    'The header fields are too large',
    'The number or the size of the header fields exceeds the limit of the gateway.',
  ),
  method_not_supported: define(
    501,
    'client',
    false,
    'The method is not supported',
    'CONNECT and TRACE are never forwarded.',
  ),
  version_not_supported: define(
    505,
    'client',
    false,
    'The HTTP version is not supported',
    'HTTP/1.0 and HTTP/1.1 are, and HTTP/2 where the listener speaks it.',
  ),
  request_timeout: define(
    408,
    'client',
    true,
    'The request did not arrive in time',
    'The head took too long, or the body stopped arriving.',
  ),
  route_not_found: define(
    404,
    'client',
    false,
    'No route matches',
    'No route of the configuration matches host and path.',
  ),
  method_not_allowed: define(
    405,
    'client',
    false,
    'The method is not allowed here',
    'Host and path match a route, but not with this method; Allow lists those that do.',
  ),
  hop_limit: define(
    508,
    'gateway',
    false,
    'The request was relayed too often',
    'A request is relayed between regions once at most; another hop would be a loop.',
  ),
  no_usable_endpoint: define(
    503,
    'gateway',
    true,
    'No usable endpoint',
    'Neither this region nor one that may take the request has an endpoint that works.',
  ),
  residency_unavailable: define(
    503,
    'gateway',
    true,
    'No permitted region is available',
    'The data may be handled in some regions only, and none of them can serve now.',
  ),
  not_active: define(
    503,
    'gateway',
    true,
    'This region is not active',
    'The service may be active in one region at a time (`exclusive`), and this is not the one at the moment.',
  ),
  no_longer_active: define(
    502,
    'gateway',
    true,
    'This region stopped being active',
    'The request was on its way to a service that may be active in one region at a time (`exclusive`) when its region stopped being it. The service may have acted on what it got.',
  ),
  upstream_saturated: define(
    503,
    'gateway',
    true,
    'Too many connections to the service',
    'Every connection that the gateway may open to the endpoint is in use.',
  ),
  upstream_connect_failed: define(
    502,
    'upstream',
    true,
    'The service could not be reached',
    'The connection was refused, reset or not established in time.',
  ),
  upstream_tls_failed: define(
    502,
    'upstream',
    true,
    'The service did not prove to be what it should be',
    'No TLS connection was agreed on: the certificate of the service is not valid for its name or not signed by its authority, or it refuses ours.',
  ),
  upstream_closed: define(
    502,
    'upstream',
    true,
    'The service closed the connection',
    'It ended before a complete response head.',
  ),
  upstream_bad_response: define(
    502,
    'upstream',
    false,
    'The service answered with invalid HTTP',
    'The response breaks RFC 9112 or is ambiguous, so it was not forwarded.',
  ),
  upstream_timeout: define(
    504,
    'upstream',
    true,
    'The service did not answer in time',
    'The first byte of the response exceeded the limit of the service.',
  ),
  service_saturated: define(
    503,
    'gateway',
    true,
    'The service has as many requests as it may have',
    'The limit of requests under way at the service (`concurrency`) is reached, and its queue is full or was too slow.',
  ),
  overloaded: define(
    503,
    'gateway',
    true,
    'The gateway is overloaded',
    'A gateway thread cannot keep up, and refuses a share of requests by their priority (`shedding`).',
  ),
  request_deadline_exceeded: define(
    504,
    'upstream',
    true,
    'The request took too long',
    'Its total time (`timeouts.total`, or the deadline of a gRPC client) passed before a response began.',
  ),
  policy_failed: define(
    500,
    'gateway',
    false,
    'A policy failed',
    'A policy of the route threw an error, took too long or answered with something invalid. Nothing was sent to the service, or its response was held back.',
  ),
  internal_error: define(
    500,
    'gateway',
    false,
    'Internal error of the gateway',
    'A defect: please report it with the request id.',
  ),
} as const satisfies Record<RequestWireCode, ProblemDefinition> &
  Record<string, ProblemDefinition>);

export type ProblemCode = keyof typeof problems;

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problems, code);
}

/** Body of `application/problem+json` (RFC 9457) with `code` and `requestId` as extensions. */
export function problemBody(code: ProblemCode, requestId: string, detail?: string): string {
  const { status, title } = problems[code];
  return JSON.stringify({
    type: `urn:meridian:problem:${code}`,
    title,
    status,
    code,
    requestId,
    ...(detail === undefined ? {} : { detail }),
  });
}
