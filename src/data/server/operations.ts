import type { DataProblemCode } from './problems.ts';
import type { Right } from './rights.ts';

/** What a parameter of a query may be. */
export interface ParameterRule {
  readonly description: string;
  readonly type: 'string' | 'integer' | 'boolean';
  readonly values?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: string | number | boolean;
}

export interface FieldRule {
  readonly description: string;
}

export interface Operation {
  readonly id: string;
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'POST';
  /** `{key}` may have `/` in it, and ends the path. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** On the bucket; without a bucket, that the token is known. */
  readonly right: Right | 'none';
  readonly query: Readonly<Record<string, ParameterRule>>;
  /** Fields of the request, but for `Authorization`. */
  readonly fields: Readonly<Record<string, FieldRule>>;
  readonly request?: 'octets' | 'BatchRead';
  readonly answers: Readonly<Record<number, AnswerRule>>;
  /** Besides those that every operation may answer. */
  readonly problems: readonly DataProblemCode[];
}

export interface AnswerRule {
  readonly description: string;
  readonly fields?: readonly AnswerField[];
  readonly body?: 'octets' | 'events' | 'document' | 'Buckets' | 'Page' | 'Batch' | 'LostPage';
}

export type AnswerField = 'ETag' | 'Meridian-Staleness-Ms' | 'Meridian-Region';

export const mostKeysOfBatch = 100;

const consistency: ParameterRule = {
  type: 'string',
  values: ['local', 'strong'],
  default: 'local',
  description:
    "`local`: from the region's copy, as old as `Meridian-Staleness-Ms` says. `strong`: the latest, through the hub; of `sync` buckets only.",
};
const writeConsistency: ParameterRule = {
  type: 'string',
  values: ['strong'],
  description:
    '`strong`: only if a majority of regions confirms it, and its condition holds in all of them. Every write to a `sync` bucket is such a one; an `async` bucket refuses it.',
};
const prefix: ParameterRule = {
  type: 'string',
  default: '',
  description: 'What the keys begin with. Default: all.',
};

const readFields = ['Meridian-Staleness-Ms', 'Meridian-Region'] as const;
const ifMatch = { description: 'Versions of which the key must have one, or `*`: any value.' };
const keyPath = '/v1/buckets/{bucket}/keys/{key}';
const writeProblems = [
  'not_allowed',
  'precondition_failed',
  'consistency_not_offered',
  'no_quorum',
  'unreachable',
] as const;
const readProblems = ['consistency_not_offered', 'unreachable', 'no_quorum'] as const;

/**
 * Every operation of the data API: what is routed by, what the document at `/openapi.json` is
 * made of, and what answers are held to by tests.
 */
export const operations = [
  {
    id: 'describe',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document.',
    right: 'none',
    query: {},
    fields: {},
    answers: { 200: { description: 'OpenAPI 3.1.', body: 'document' } },
    problems: [],
  },
  {
    id: 'listBuckets',
    method: 'GET',
    path: '/v1/buckets',
    summary: 'The buckets that the token may use, and how they are.',
    right: 'none',
    query: {},
    fields: {},
    answers: { 200: { description: 'By name.', body: 'Buckets', fields: ['Meridian-Region'] } },
    problems: [],
  },
  {
    id: 'get',
    method: 'GET',
    path: keyPath,
    summary: 'The value of a key. `HEAD` answers without it.',
    right: 'read',
    query: { consistency },
    fields: {
      'If-None-Match': { description: 'Versions that the client has: then 304.' },
      'If-Match': ifMatch,
    },
    answers: {
      200: { description: 'The value.', body: 'octets', fields: ['ETag', ...readFields] },
      304: {
        description: 'The client has that version.',
        fields: ['ETag', ...readFields],
      },
    },
    problems: ['no_value', 'precondition_failed', ...readProblems],
  },
  {
    id: 'put',
    method: 'PUT',
    path: keyPath,
    summary: 'Gives a key a value.',
    description:
      'The body is the value, any octets; its type is not kept. A write that failed says in `outcome` whether it may have been done: with `unknown` it may have, or may be later.',
    right: 'write',
    query: { consistency: writeConsistency },
    fields: {
      'If-Match': ifMatch,
      'If-None-Match': { description: '`*`: only if the key has no value.' },
    },
    request: 'octets',
    answers: {
      201: {
        description: 'Written where there was no value, which `If-None-Match` had asked for.',
        fields: ['ETag', 'Meridian-Region'],
      },
      204: { description: 'Written.', fields: ['ETag', 'Meridian-Region'] },
    },
    problems: [...writeProblems, 'value_too_large', 'bucket_full', 'unsupported_media_type'],
  },
  {
    id: 'delete',
    method: 'DELETE',
    path: keyPath,
    summary: 'Removes the value of a key; no error where there is none.',
    right: 'write',
    query: { consistency: writeConsistency },
    fields: { 'If-Match': ifMatch },
    answers: { 204: { description: 'The key has no value.', fields: ['Meridian-Region'] } },
    problems: [...writeProblems],
  },
  {
    id: 'list',
    method: 'GET',
    path: '/v1/buckets/{bucket}/keys',
    summary: "Keys in order of their bytes, from the region's copy.",
    right: 'read',
    query: {
      prefix,
      cursor: {
        type: 'string',
        description: '`cursor` of the page before, for the one after it, with the same prefix.',
      },
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 1_000,
        default: 100,
        description: 'Keys in a page, at most. There may be fewer.',
      },
      values: { type: 'boolean', default: false, description: 'Whether values are told too.' },
    },
    fields: {},
    answers: { 200: { description: 'A page.', body: 'Page', fields: readFields } },
    problems: ['cursor_invalid', 'unreachable'],
  },
  {
    id: 'read',
    method: 'POST',
    path: '/v1/buckets/{bucket}/read',
    summary: `Up to ${mostKeysOfBatch} keys at once.`,
    description:
      'Each key is read by itself. What is beyond 8 MiB of values in all is left out, and marked `omitted`: get those keys by themselves.',
    right: 'read',
    query: {},
    fields: {},
    request: 'BatchRead',
    answers: { 200: { description: 'In the order asked for.', body: 'Batch', fields: readFields } },
    problems: ['bad_body', 'value_too_large', 'unsupported_media_type', ...readProblems],
  },
  {
    id: 'lost',
    method: 'GET',
    path: '/v1/buckets/{bucket}/lost',
    summary: "The region's own writes that lost to one which had not seen them, oldest loss first.",
    description:
      'Of an `async` bucket, for as long as `data.buckets.NAME.conflicts` says; of a `sync` bucket there are none. Each region tells its own: ask in every region that writes.',
    right: 'read',
    query: {
      cursor: {
        type: 'string',
        description: '`cursor` of the page before, for the one after it. Good in its region.',
      },
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 1_000,
        default: 100,
        description: 'Writes in a page, at most. There may be fewer.',
      },
    },
    fields: {},
    answers: { 200: { description: 'A page.', body: 'LostPage', fields: ['Meridian-Region'] } },
    problems: ['cursor_invalid', 'revision_compacted', 'unreachable'],
  },
  {
    id: 'watch',
    method: 'GET',
    path: '/v1/buckets/{bucket}/watch',
    summary: 'The latest value of every key, then every change, as server-sent events.',
    description:
      'Events are `put` (`key`, `version`, `value` in base64), `delete` (`key`, `version`), `caughtUp` and `error` (a problem; the last). The `id` of an event is the cursor to go on after. A slow reader skips values that were superseded.',
    right: 'read',
    query: {
      prefix,
      after: {
        type: 'string',
        description: 'The `id` of the last event seen. `Last-Event-ID` comes before it.',
      },
    },
    fields: { 'Last-Event-ID': { description: 'The same, as browsers send it.' } },
    answers: {
      200: { description: 'Events, for ever.', body: 'events', fields: ['Meridian-Region'] },
    },
    problems: ['cursor_invalid', 'revision_compacted', 'too_many_watches', 'unreachable'],
  },
] as const satisfies readonly Operation[];

export type OperationId = (typeof operations)[number]['id'];

export interface Routed {
  readonly operation: Operation & { readonly id: OperationId };
  /** `undefined`: the path names none. */
  readonly bucket: string | undefined;
  /** As in the path, not decoded. */
  readonly key: string | undefined;
}

const patterns = operations.map((operation) => ({
  operation: operation as Routed['operation'],
  pattern: new RegExp(
    `^${operation.path.replaceAll('.', '\\.').replace('{bucket}', '(?<bucket>[^/]*)').replace('{key}', '(?<key>.*)')}$`,
  ),
}));

/** The head of a watch alone would say nothing, for ever. */
function methodsOf({ id, method }: Routed['operation']): readonly string[] {
  return method === 'GET' && id !== 'watch' ? ['GET', 'HEAD'] : [method];
}

/** What a path and method ask for; or the methods that the path has, none if it is unknown. */
export function route(method: string, path: string): Routed | readonly string[] {
  const allowed: string[] = [];
  for (const { operation, pattern } of patterns) {
    const match = pattern.exec(path);
    if (!match) continue;
    const methods = methodsOf(operation);
    if (methods.includes(method)) {
      return { operation, bucket: match.groups?.bucket, key: match.groups?.key };
    }
    allowed.push(...methods);
  }
  return allowed;
}
