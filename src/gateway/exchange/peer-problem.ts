import { findField } from '../http1/fields.ts';
import type { ResponseHead } from '../http1/response-parser.ts';
import { isProblemCode, type ProblemCode } from './problems.ts';
import type { AttemptFailure } from './retry.ts';

/** On the link only: a problem of the answering gateway, not a response of a service. */
export const problemField = 'Meridian-Problem';
const problemKey = problemField.toLowerCase();

/** A problem that another gateway answered with. */
export function isOfGateway({ fields }: ResponseHead): boolean {
  return findField(fields, problemKey) !== undefined;
}

/** The problem that the gateway of another region told. */
export function problemOf({ fields }: ResponseHead): ProblemCode {
  const code = findField(fields, problemKey);
  return code !== undefined && isProblemCode(code) ? code : 'upstream_bad_response';
}

/**
 * With these nothing was carried out, whatever the method: a region sends a request that is not
 * idempotent on only after failures of which that is certain, and tells these of no other.
 */
const declining: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'no_usable_endpoint',
  'residency_unavailable',
  'not_active',
  'service_saturated',
  'overloaded',
  'upstream_connect_failed',
  'upstream_tls_failed',
  'upstream_saturated',
]);

const declined: AttemptFailure = { kind: 'declined', reused: false };
const refusedByPeer: AttemptFailure = { kind: 'refusedByPeer', reused: false };

/** Whether that says, on the link, that the request did not reach a service. */
export function isDeclined(code: ProblemCode): boolean {
  return declining.has(code);
}

/** What a problem of another region's gateway is to an attempt there. */
export function failureOfPeer(head: ResponseHead): AttemptFailure {
  return isDeclined(problemOf(head)) ? declined : refusedByPeer;
}
