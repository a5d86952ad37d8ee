import { MeridianError } from '../../base/errors.ts';
import { contentOf, hasNoContent, type OwnAnswer } from '../exchange/answers.ts';
import { allOf, VALUE } from '../http1/octets.ts';
import { fieldLine } from '../http1/serialise.ts';
import { assertEditable } from './field-editor.ts';
import type { Policy, PolicyAnswer, PolicyRequest, PolicyResponse } from './policy.ts';

type Waiting<Value> = Value | Promise<Value>;

/**
 * The request phase. Synchronous as long as the policies are; the first promise makes the
 * rest of it one.
 */
export function runRequest(
  policies: readonly Policy[],
  request: PolicyRequest,
): Waiting<PolicyAnswer | undefined> {
  for (let at = 0; at < policies.length; at++) {
    const outcome = policies[at]!.onRequest!(request);
    if (outcome === undefined) continue;
    return isPromise(outcome) ? requestAfter(outcome, policies, at + 1, request) : outcome;
  }
  return undefined;
}

async function requestAfter(
  first: Promise<PolicyAnswer | undefined>,
  policies: readonly Policy[],
  next: number,
  request: PolicyRequest,
): Promise<PolicyAnswer | undefined> {
  let answer = await first;
  for (let at = next; answer === undefined && at < policies.length && !request.ended; at++) {
    answer = await policies[at]!.onRequest!(request);
  }
  return answer;
}

/** The response phase, in the order given. */
export function runResponse(
  policies: readonly Policy[],
  response: PolicyResponse,
  request: PolicyRequest,
): Waiting<void> {
  for (let at = 0; at < policies.length; at++) {
    const outcome = policies[at]!.onResponse!(response, request);
    if (isPromise(outcome)) return responseAfter(outcome, policies, at + 1, response, request);
  }
}

async function responseAfter(
  first: Promise<void>,
  policies: readonly Policy[],
  next: number,
  response: PolicyResponse,
  request: PolicyRequest,
): Promise<void> {
  await first;
  for (let at = next; at < policies.length && !request.ended; at++) {
    await policies[at]!.onResponse!(response, request);
  }
}

export function isPromise<Value>(value: Waiting<Value>): value is Promise<Value> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}

/**
 * What a policy answered, checked: it may be a program of the operator.
 *
 * @throws MeridianError `policy_answer_invalid`, `field_not_editable`, `unsafe_head`
 */
export function ownAnswerOf(answer: PolicyAnswer): OwnAnswer {
  const { status, body = '', contentType = 'text/plain; charset=utf-8', headers = {} } = answer;
  if (!Number.isInteger(status) || status < 200 || status > 599)
    invalid('status is not 200 to 599');
  if (typeof body !== 'string') invalid('body is not text');
  if (hasNoContent(status) && body !== '') invalid(`${status} has no body`);
  if (typeof contentType !== 'string' || !allOf(VALUE, contentType, 0, contentType.length)) {
    invalid('contentType is no field value');
  }
  let fields = '';
  for (const [name, value] of Object.entries(headers)) {
    assertEditable(name);
    fields += fieldLine(name, value);
  }
  return { status, contentType, body: contentOf(body), fields };
}

function invalid(why: string): never {
  throw new MeridianError('policy_answer_invalid', `the answer of a policy: ${why}`);
}
