import { apiSchemas } from './openapi-schemas.ts';
import { type AnswerRule, type Operation, operations, type ParameterRule } from './operations.ts';
import { type DataProblemCode, dataProblems } from './problems.ts';

/** Plain data, as it stands in the document. */
type Node = Readonly<Record<string, unknown>>;

/** What every operation may answer besides its own problems. */
const everywhere: readonly DataProblemCode[] = [
  'bad_parameter',
  'malformed_request',
  'expectation_failed',
  'too_busy',
  'internal_error',
];
const withToken: readonly DataProblemCode[] = ['not_authenticated', ...everywhere];
const ofBucket: readonly DataProblemCode[] = [
  ...withToken,
  'bucket_unknown',
  'not_resident',
  'closed',
];
const ofKey: readonly DataProblemCode[] = [...ofBucket, 'key_invalid'];

/** The OpenAPI 3.1 document of the data API, from the table of its operations. */
export function apiDocument(): Node {
  const paths: Record<string, Record<string, Node>> = {};
  for (const operation of operations as readonly Operation[]) {
    paths[operation.path] ??= {};
    paths[operation.path]![operation.method.toLowerCase()] = operationNode(operation);
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Meridian data API',
      version: '1',
      summary: 'Replicated key-value data for the services of a region.',
      description:
        "For services of the node's own region, each with a token of its own. A path with a key takes `/` in it as it is, or as `%2F`.",
    },
    servers: [
      {
        url: 'http://{node}:{port}',
        variables: { node: { default: '127.0.0.1' }, port: { default: '9100' } },
      },
    ],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      headers: apiHeaders,
      schemas: { ...apiSchemas, Problem: problemSchema() },
    },
  };
}

const apiHeaders = {
  ETag: { description: 'The version, in double quotes.', schema: { type: 'string' } },
  'Meridian-Region': { description: 'The region that answered.', schema: { type: 'string' } },
  'Meridian-Staleness-Ms': {
    description:
      'A bound: what was read has all that any region had acknowledged so many milliseconds ago; `unknown` if nobody knows.',
    schema: { type: 'string', pattern: '^(\\d+|unknown)$' },
  },
} as const;

/** Those that an operation may answer, each once. */
export function problemsOf({ id, path, problems }: Operation): readonly DataProblemCode[] {
  if (id === 'describe') return everywhere;
  if (!path.includes('{bucket}')) return [...new Set([...withToken, ...problems])];
  const usesKeys = path.includes('{key}') || id !== 'listBuckets';
  return [...new Set([...(usesKeys ? ofKey : ofBucket), ...problems])];
}

function operationNode(operation: Operation): Node {
  const { id, summary, description, request, answers } = operation;
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    ...(id === 'describe' && { security: [] }),
    parameters: parameterNodes(operation),
    ...(request && { requestBody: { required: true, content: contentOf(request) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([code, rule]) => [code, answerNode(rule)]),
      ),
      ...problemNodes(problemsOf(operation)),
    },
  };
}

function parameterNodes({ path, query, fields }: Operation): Node[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: name === 'key' ? 'As it is, or percent-encoded once.' : 'Name of the bucket.',
    schema: { $ref: `#/components/schemas/${name === 'key' ? 'Key' : 'BucketName'}` },
  }));
  const inQuery = Object.entries(query).map(([name, rule]) => ({
    name,
    in: 'query',
    description: rule.description,
    schema: schemaOf(rule),
  }));
  const inHeader = Object.entries(fields).map(([name, { description }]) => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

function schemaOf({ type, values, minimum, maximum, default: otherwise }: ParameterRule): Node {
  return {
    type,
    ...(values && { enum: values }),
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
    ...(otherwise !== undefined && { default: otherwise }),
  };
}

function answerNode({ description, fields = [], body }: AnswerRule): Node {
  const headers = Object.fromEntries(
    fields.map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
  return {
    description,
    ...(fields.length > 0 && { headers }),
    ...(body && { content: contentOf(body) }),
  };
}

function contentOf(body: NonNullable<AnswerRule['body'] | Operation['request']>): Node {
  if (body === 'octets') return { 'application/octet-stream': {} };
  if (body === 'events') return { 'text/event-stream': { schema: { type: 'string' } } };
  if (body === 'document') return { 'application/json': { schema: { type: 'object' } } };
  return { 'application/json': { schema: { $ref: `#/components/schemas/${body}` } } };
}

/** By status: several codes may share one. */
function problemNodes(codes: readonly DataProblemCode[]): Node {
  const byStatus = Map.groupBy(codes, (code) => dataProblems[code].status);
  const statuses = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(
    statuses.map(([status, own]) => [
      status,
      {
        description: own.map((code) => `\`${code}\`: ${dataProblems[code].meaning}`).join(' '),
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    ]),
  );
}

function problemSchema(): Node {
  return {
    type: 'object',
    description: 'RFC 9457, with a stable `code`.',
    required: ['type', 'title', 'status', 'code', 'detail', 'retryable'],
    additionalProperties: false,
    properties: {
      type: { const: 'about:blank' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { enum: Object.keys(dataProblems) },
      detail: { type: 'string' },
      retryable: { type: 'boolean' },
      outcome: {
        enum: ['none', 'unknown'],
        description: 'Of a write: nothing was stored, or it may have been or may be later.',
      },
      regions: { type: 'array', items: { type: 'string' } },
    },
  };
}
