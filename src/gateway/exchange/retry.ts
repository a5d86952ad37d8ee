import type { ProblemCode } from './problems.ts';

/** How an attempt ended without a response. */
export type FailureKind =
  /** No connection: refused, reset or too slow. Nothing was sent. */
  | 'connect'
  /** It stood, but no TLS was agreed on. Nothing was taken; body bytes may be lost. */
  | 'tls'
  /** The pool may not open another connection. Nothing was sent. */
  | 'saturated'
  /** HTTP/2: the peer says that it did not look at the request (RFC 9113 section 8.7). */
  | 'unprocessed'
  /** Closed after the request was sent, before any byte of a response. */
  | 'closed'
  /** No byte of a response in time. */
  | 'timeout'
  /** A response began, but not a valid or complete head. */
  | 'badResponse'
  /** The other region's gateway answered with a problem; a service may have had the request. */
  | 'refusedByPeer'
  /** The same, and it said with it that no service has. */
  | 'declined'
  /** The response had a status after which the request is to be tried elsewhere. */
  | 'status'
  /** The health table turned against the target while it had not answered. */
  | 'abandoned';

export interface AttemptFailure {
  readonly kind: FailureKind;
  /** The connection had served a request before: its peer may have closed it as we sent. */
  readonly reused: boolean;
}

/** What matters of the request for sending it again. */
export interface Replayability {
  /** RFC 9110 section 9.2.2, by method. */
  readonly idempotent: boolean;
  /** A body byte went out that was not kept, so the body cannot be sent again. */
  readonly bodyBegun: boolean;
  /** A response byte, interim ones included, reached the client. */
  readonly answered: boolean;
  /** A fresh connection was already given to it after a reused one had died. */
  readonly refreshed: boolean;
}

/** `again`: same target, fresh connection. `elsewhere`: the next target. `no`: answer with a problem. */
export type Retry = 'again' | 'elsewhere' | 'no';

/**
 * Whether a request that failed is sent again. It never is when that could make something
 * happen twice that must not: what was sent may have been carried out.
 */
export function retryAfter(failure: AttemptFailure, request: Replayability): Retry {
  if (request.answered) return 'no';
  if (failure.kind === 'connect' || failure.kind === 'saturated') return 'elsewhere';
  if (failure.kind === 'tls' || failure.kind === 'declined')
    return request.bodyBegun ? 'no' : 'elsewhere';
  // Nothing was carried out: the connection is going away, or takes fewer requests than it got.
  if (failure.kind === 'unprocessed') {
    if (request.bodyBegun) return 'no';
    return request.refreshed ? 'elsewhere' : 'again';
  }
  if (failure.kind === 'badResponse') return 'no';
  if (!request.idempotent || request.bodyBegun) return 'no';
  return failure.kind === 'closed' && failure.reused && !request.refreshed ? 'again' : 'elsewhere';
}

/** Whether the request may have reached a service, so that another attempt is more load for it. */
export function mayHaveBeenSent(kind: FailureKind): boolean {
  return (
    kind !== 'connect' && kind !== 'saturated' && kind !== 'unprocessed' && kind !== 'declined'
  );
}

/** Whether a failure counts against the endpoint; the end of a reused connection is no fault. */
export function countsAsFailure(failure: AttemptFailure): boolean {
  switch (failure.kind) {
    case 'connect':
    case 'tls':
    case 'timeout':
    case 'badResponse':
      return true;
    case 'closed':
      return !failure.reused;
    default:
      return false;
  }
}

/** Whether a failure says something of the node that was tried, and not of its region. */
export function isOfNode(kind: FailureKind): boolean {
  return kind === 'connect' || kind === 'tls' || kind === 'saturated' || kind === 'closed';
}

/** The problem to answer with when a failure ends the request. */
const failureProblems: Readonly<Record<FailureKind, ProblemCode>> = {
  connect: 'upstream_connect_failed',
  tls: 'upstream_tls_failed',
  saturated: 'upstream_saturated',
  unprocessed: 'upstream_saturated',
  closed: 'upstream_closed',
  timeout: 'upstream_timeout',
  badResponse: 'upstream_bad_response',
  refusedByPeer: 'no_usable_endpoint',
  declined: 'no_usable_endpoint',
  status: 'no_usable_endpoint',
  abandoned: 'no_usable_endpoint',
};

/** After which nothing can have been carried out. */
const harmlessFailures: ReadonlySet<FailureKind> = new Set([
  'connect',
  'tls',
  'unprocessed',
  'refusedByPeer',
  'declined',
  'abandoned',
]);

/** What decides with which problem a request ends. */
export interface Outcome {
  readonly lastFailure: FailureKind | undefined;
  readonly idempotent: boolean;
  readonly relayed: boolean;
  readonly regions: readonly number[];
  readonly target:
    | { readonly kind: 'endpoint' | 'relay'; readonly lastResort?: boolean }
    | undefined;
}

/**
 * The code for a request whose last attempt failed. `unavailable` (503) where everything
 * there is was tried, so that a caller can tell "come back later" from one bad endpoint;
 * but what may have been carried out keeps its own code.
 */
export function finalProblem(outcome: Outcome, unavailable: ProblemCode): ProblemCode {
  const { lastFailure: failure, target } = outcome;
  if (failure === undefined) return unavailable;
  const exhausted = target?.lastResort === true || outcome.relayed || outcome.regions.length > 0;
  const harmless = harmlessFailures.has(failure);
  if (exhausted && (harmless || (outcome.idempotent && target?.lastResort === true))) {
    return unavailable;
  }
  return failureProblems[failure];
}

const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method);
}
