import type { IncomingMessage, ServerResponse } from 'node:http';
import { dataError } from '../errors.ts';
import { type Answer, problem } from './answer.ts';
import { hasBody, ignoreBody } from './body.ts';
import type { BucketCall, Call, CallContext, KeyCall, ServedBucket } from './call.ts';
import { deleteEntry, getEntry, putEntry } from './entries.ts';
import { streamEvents } from './event-stream.ts';
import { type OperationId, type Routed, route } from './operations.ts';
import { describeApi, listBuckets, listEntries, listLost, readBatch } from './pages.ts';
import { parametersOf } from './parameters.ts';
import { keyOfPath } from './path-key.ts';
import { explained, membersOf, refuse } from './problems.ts';
import { type Caller, type Rights, rightOf } from './rights.ts';

/** The answer, and to what; without `answer` the operation has answered by itself. */
export interface Handled {
  readonly operation: OperationId | undefined;
  readonly answer: Answer | undefined;
}

/**
 * path ─▶ method ─▶ token ─▶ bucket ─▶ right ─▶ residency ─▶ key, parameters ─▶ body ─▶ answer
 *
 * The first refusal ends it. Who has no right on a bucket hears what he would hear if there
 * were none.
 */
export async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  context: CallContext,
  rights: Rights,
  onFailure: (error: unknown) => void,
): Promise<Handled> {
  const { path, query } = splitTarget(request.url ?? '');
  const routed = route(request.method ?? '', path);
  if (!('operation' in routed)) return { operation: undefined, answer: unrouted(routed, path) };
  const { operation } = routed;
  const { id } = operation;
  const writes = operation.right === 'write';
  let release: (() => void) | undefined;
  try {
    checkHead(request);
    const caller = id === 'describe' ? nobody : callerOf(request, rights);
    if (caller !== nobody) context.onKnown(request);
    if (id !== 'watch') release = context.requests.take(caller.service, 1);
    const call = { request, response, context, caller, parameters: {} };
    return { operation: id, answer: await answerTo(call, routed, query) };
  } catch (error) {
    const known = explained(error);
    if (!known) {
      onFailure(error);
      const outcome = writes ? { outcome: 'unknown' as const } : {};
      const detail = 'the log of the node says why';
      return { operation: id, answer: problem('internal_error', detail, outcome) };
    }
    const answer = problem(known.code, known.message, membersOf(known, writes));
    return { operation: id, answer };
  } finally {
    release?.();
  }
}

const nobody: Caller = { service: '', rights: {} };

/** What node:http would answer by itself, uncounted (RFC 9110, section 10.1.1; RFC 9112, 3.2). */
function checkHead({ headers: { expect, host }, httpVersion }: IncomingMessage): void {
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    refuse('expectation_failed', 'expect: only "100-continue" is known');
  }
  if (host === undefined && httpVersion === '1.1') refuse('malformed_request', 'it has no host');
}

/** Of an absolute target (RFC 9112, section 3.2.2) the host is of no interest here. */
function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const own = target.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = own.indexOf('?');
  return mark < 0
    ? { path: own, query: '' }
    : { path: own.slice(0, mark), query: own.slice(mark + 1) };
}

function unrouted(methods: readonly string[], path: string): Answer {
  if (methods.length === 0) return problem('not_found', 'GET /openapi.json says what there is');
  const allow = methods.join(', ');
  const shown = path.startsWith('/v1/') ? 'that path' : path;
  return problem('method_not_allowed', `${shown} has ${allow}`, {}, { Allow: allow });
}

function callerOf(request: IncomingMessage, rights: Rights): Caller {
  const { authorization } = request.headers;
  const why =
    authorization === undefined
      ? 'send `Authorization: Bearer` and the token of the service'
      : 'that token is not known here';
  return rights.callerOf(authorization) ?? refuse('not_authenticated', why);
}

async function answerTo(call: Call, routed: Routed, query: string): Promise<Answer | undefined> {
  const { operation, bucket: name, key } = routed;
  const { request, context, caller } = call;
  const served = name === undefined ? undefined : permitted(name, operation.right, call);
  const parameters = parametersOf(query, operation);
  if (!('request' in operation) && hasBody(request)) ignoreBody(request);
  const own = { ...call, parameters };
  if (!served || name === undefined) {
    return operation.id === 'describe' ? describeApi(call) : listBuckets(own);
  }
  const bucket = served.bucket ?? notResident(name, served, context);
  const ofBucket: BucketCall = { ...own, caller, name, bucket, served };
  if (key === undefined) return answerOfBucket(operation.id, ofBucket);
  return answerOfKey(operation.id, { ...ofBucket, key: keyOfPath(key) });
}

async function answerOfBucket(id: OperationId, call: BucketCall): Promise<Answer | undefined> {
  if (id === 'list') return listEntries(call);
  if (id === 'lost') return listLost(call);
  if (id === 'read') return readBatch(call);
  await streamEvents(call);
  return undefined;
}

function answerOfKey(id: OperationId, call: KeyCall): Promise<Answer> {
  if (id === 'put') return putEntry(call);
  return id === 'delete' ? deleteEntry(call) : getEntry(call);
}

function permitted(
  name: string,
  needed: Routed['operation']['right'],
  { caller, context }: Call,
): ServedBucket {
  const right = rightOf(caller, name);
  const served = right && context.buckets.get(name);
  if (!served) throw dataError('bucket_unknown', 'there is no such bucket for this token');
  if (needed === 'write' && right !== 'write') {
    refuse('not_allowed', `the token of ${caller.service} may read ${name}, and not write to it`);
  }
  return served;
}

function notResident(name: string, { regions }: ServedBucket, { region }: CallContext): never {
  throw dataError(
    'not_resident',
    `the data of ${name} must not come to ${region}: it is in ${regions.join(', ')}`,
    { regions },
  );
}
