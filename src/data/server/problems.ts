import { MeridianError } from '../../base/errors.ts';
import type { DataErrorCode } from '../errors.ts';

/** What the data API answers besides what a bucket says. */
export type RequestErrorCode =
  | 'not_authenticated'
  | 'not_allowed'
  | 'no_value'
  | 'not_found'
  | 'method_not_allowed'
  | 'bad_parameter'
  | 'bad_body'
  | 'unsupported_media_type'
  | 'malformed_request'
  | 'expectation_failed'
  | 'headers_too_large'
  | 'request_timeout'
  | 'request_aborted'
  | 'too_many_watches'
  | 'internal_error';

export type DataProblemCode = DataErrorCode | RequestErrorCode;

export interface DataProblemDefinition {
  readonly status: number;
  readonly title: string;
  /** Whether the same request may succeed when it is sent again. */
  readonly retryable: boolean;
  readonly meaning: string;
  /** What a service, or who runs it, can do. */
  readonly advice: string;
}

const no = { retryable: false } as const;
const yes = { retryable: true } as const;

/** Every error that the data API answers, by its code, which is stable. */
export const dataProblems: Readonly<Record<DataProblemCode, DataProblemDefinition>> = {
  bucket_unknown: {
    ...{ ...no, status: 404, title: 'Bucket unknown' },
    meaning: 'There is no bucket of that name, or the token has no right on it.',
    advice:
      'Compare the name, and `data.tokens` of the configuration: a token sees what it has a right on.',
  },
  not_resident: {
    ...{ ...no, status: 421, title: 'Not resident here' },
    meaning: 'The data of the bucket must not come to this region; `regions` have it.',
    advice: 'Ask a node of one of `regions`, by a service that runs there.',
  },
  key_invalid: {
    ...{ ...no, status: 400, title: 'Key invalid' },
    meaning: 'Keys are words of `A-Za-z0-9_=/-` joined by dots, at most 256 bytes.',
    advice: 'Encode what the key is made of, such as names with spaces.',
  },
  value_too_large: {
    ...{ ...no, status: 413, title: 'Value too large' },
    meaning: 'A value of the bucket may have fewer bytes: `data.buckets.NAME.maximumValue`.',
    advice: 'Split the value, or raise `maximumValue`, 512 KiB at most.',
  },
  bucket_full: {
    ...{ ...no, status: 507, title: 'Bucket full' },
    meaning: 'The bucket has no room for the write: `data.buckets.NAME.maximumSize`.',
    advice: 'Delete or shorten values, or raise `maximumSize`; then the same write may succeed.',
  },
  precondition_failed: {
    ...{ ...no, status: 412, title: 'Precondition failed' },
    meaning: 'The key has another version than `If-Match` or `If-None-Match` names.',
    advice:
      'Read the key (of a `sync` bucket with `consistency=strong`), decide anew, and write with the version that was read.',
  },
  consistency_not_offered: {
    ...{ ...no, status: 400, title: 'Consistency not offered' },
    meaning: 'An `async` bucket has no strong reads and writes.',
    advice: 'Leave `consistency` out where that is enough, or use a `sync` bucket.',
  },
  cursor_invalid: {
    ...{ ...no, status: 400, title: 'Cursor invalid' },
    meaning: 'This API never gave that cursor for this question.',
    advice:
      'Begin without a cursor. Those of a watch of an `async` bucket are good in their region only.',
  },
  revision_compacted: {
    ...{ ...no, status: 410, title: 'No longer kept' },
    meaning: 'What came after the cursor is not kept any more: watch from the beginning.',
    advice: 'Watch without a cursor: what there is is told first.',
  },
  unreachable: {
    ...{ ...yes, status: 503, title: 'Store unreachable' },
    meaning:
      'The store cannot be asked at the moment; or that of the region, which an `async` bucket is written to, did not confirm a write in time.',
    advice:
      'Wait for `Retry-After`. A read, or a write of outcome `none`: send it again; of outcome `unknown`: as with `no_quorum`. Other regions, and here reads of what is in memory, may go on.',
  },
  no_quorum: {
    ...{ ...yes, status: 503, title: 'No majority' },
    meaning: 'No majority of the regions confirmed it in time; `outcome` says what is known.',
    advice:
      'A read: again. A write of outcome `none`: again. Of outcome `unknown`: read the key (of a `sync` bucket with `consistency=strong`) and compare, or repeat a write that has a condition.',
  },
  too_busy: {
    ...{ ...yes, status: 503, title: 'Too busy' },
    meaning:
      'The node has more requests, bodies or values than it takes on at once, in all or of the service.',
    advice:
      'Wait for `Retry-After`, then send less at once: smaller batches, pages and values, fewer requests in parallel.',
  },
  closed: {
    ...{ ...yes, status: 503, title: 'Closing' },
    meaning: 'The node, or its data API, is stopping.',
    advice:
      'Send it again after `Retry-After`, to another node of the region if there is one; a write of outcome `unknown`: as with `no_quorum`.',
  },
  not_authenticated: {
    ...{ ...no, status: 401, title: 'Not authenticated' },
    meaning: 'The request shows no token, or one that is unknown.',
    advice:
      'Send `Authorization: Bearer` with the token of the service; it may have been replaced.',
  },
  not_allowed: {
    ...{ ...no, status: 403, title: 'Not allowed' },
    meaning: 'The token may read the bucket, and not write to it.',
    advice: 'Give the token the right `write` on the bucket in `data.tokens`.',
  },
  no_value: {
    ...{ ...no, status: 404, title: 'No value' },
    meaning: 'The key has no value.',
    advice: 'Nothing: that is the answer. `Meridian-Staleness-Ms` says how old it may be.',
  },
  not_found: {
    ...{ ...no, status: 404, title: 'Not found' },
    meaning: 'The API has no such path; `/openapi.json` has them all.',
    advice: 'Correct the path.',
  },
  method_not_allowed: {
    ...{ ...no, status: 405, title: 'Method not allowed' },
    meaning: 'The path has other methods: `Allow`.',
    advice: 'Use one of the methods in `Allow`.',
  },
  bad_parameter: {
    ...{ ...no, status: 400, title: 'Bad parameter' },
    meaning: 'A parameter or a field of the request is unknown, malformed or given twice.',
    advice: 'Correct what `detail` names.',
  },
  bad_body: {
    ...{ ...no, status: 400, title: 'Bad body' },
    meaning: 'The body is not what the operation expects.',
    advice: 'Correct what `detail` names.',
  },
  unsupported_media_type: {
    ...{ ...no, status: 415, title: 'Unsupported media type' },
    meaning: 'The body has another type, or a content coding.',
    advice: 'Send it without `Content-Encoding`, and JSON as `application/json`.',
  },
  malformed_request: {
    ...{ ...no, status: 400, title: 'Malformed request' },
    meaning: 'It is no HTTP/1.1 that could be read.',
    advice: 'Look at the client or proxy that made the request.',
  },
  expectation_failed: {
    ...{ ...no, status: 417, title: 'Expectation failed' },
    meaning: 'In `Expect` there is something else than `100-continue`.',
    advice: 'Leave `Expect` out, or send `100-continue`.',
  },
  headers_too_large: {
    ...{ ...no, status: 431, title: 'Header section too large' },
    meaning: 'The fields of the request have more than 16 KiB.',
    advice: 'Send fewer or shorter fields.',
  },
  request_timeout: {
    ...{ ...yes, status: 408, title: 'Request timeout' },
    meaning: 'The request did not come in whole in time.',
    advice: 'Send it again, faster: the head within 5 s, the whole within 15 s.',
  },
  request_aborted: {
    ...{ ...yes, status: 400, title: 'Request aborted' },
    meaning: 'The connection was closed before the request was whole.',
    advice: 'Send it again; of a write nothing was stored.',
  },
  too_many_watches: {
    ...{ ...yes, status: 429, title: 'Too many watches' },
    meaning: 'The token, or all of them, have as many watches open as the node keeps.',
    advice:
      'End watches that nobody needs, or share one among those who do; wait for `Retry-After`.',
  },
  internal_error: {
    ...{ ...yes, status: 500, title: 'Internal error' },
    meaning: 'A defect of the node: its log says more.',
    advice:
      'Look into the log of the node. Of a write the outcome is `unknown`, as with `no_quorum`.',
  },
};

export interface ProblemMembers {
  /** Of a write. */
  readonly outcome?: 'none' | 'unknown';
  readonly regions?: readonly string[];
}

/** RFC 9457, with the stable `code`. */
export interface ProblemBody extends ProblemMembers {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: DataProblemCode;
  readonly detail: string;
  readonly retryable: boolean;
}

export function problemBody(
  code: DataProblemCode,
  detail: string,
  members: ProblemMembers = {},
): ProblemBody {
  const { status, title, retryable } = dataProblems[code];
  return { type: 'about:blank', title, status, code, detail, retryable, ...members };
}

/** @throws MeridianError, for which the request is refused */
export function refuse(
  code: RequestErrorCode | 'key_invalid' | 'cursor_invalid',
  detail: string,
): never {
  throw new MeridianError<DataProblemCode>(code, detail);
}

/** The error that a client is told; `undefined` for one of our own, for the log alone. */
export function explained(error: unknown): MeridianError<DataProblemCode> | undefined {
  return error instanceof MeridianError && Object.hasOwn(dataProblems, error.code)
    ? (error as MeridianError<DataProblemCode>)
    : undefined;
}

/** What the details of an error of a bucket say for clients. */
export function membersOf({ details }: MeridianError, writes: boolean): ProblemMembers {
  const { outcome, regions } = details;
  return {
    ...(writes && { outcome: outcome === 'unknown' ? outcome : 'none' }),
    ...(Array.isArray(regions) && { regions: regions.map(String) }),
  };
}
