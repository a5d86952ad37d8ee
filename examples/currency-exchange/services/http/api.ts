import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Fields } from './fields.ts';
import { readJsonObject } from './json-body.ts';
import { Problem, quoted } from './problem.ts';

export interface Call {
  readonly fields: Fields;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface Operation {
  /** The names of its inputs: parameters of the query, for POST members of the JSON body. */
  readonly fields: readonly string[];
  /** The answer, or `undefined` when it writes to the response by itself. */
  run(call: Call): object | undefined | Promise<object>;
}

/** The operations at one path. GET answers HEAD too. */
export type Resource = Readonly<Partial<Record<'GET' | 'POST', Operation>>>;
export type Resources = Readonly<Record<string, Resource>>;

/** A request listener of node:http over `resources`, by path. Every answer names `region`. */
export function createApi(region: string, resources: Resources): RequestListener {
  const byPath = new Map(Object.entries(resources));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { pathname, searchParams } = targetOf(request);
      const operation = operationAt(byPath.get(pathname), pathname, request.method ?? '');
      const fields =
        request.method === 'POST'
          ? Fields.ofObject(await postedObject(request, searchParams), operation.fields)
          : Fields.ofQuery(searchParams, operation.fields);
      const body = await operation.run({ fields, request, response });
      if (body) sendJson(response, 200, { region, ...body });
    } catch (error) {
      sendProblem(response, region, error);
    }
  }

  return (request, response) => void answer(request, response);
}

/** The body of a POST, whose query must be empty: two places for a field invite contradiction. */
function postedObject(request: IncomingMessage, query: URLSearchParams): Promise<object> {
  Fields.ofQuery(query, []);
  return readJsonObject(request);
}

function targetOf({ url = '/' }: IncomingMessage): URL {
  const target = URL.parse(url.startsWith('/') ? `http://service.invalid${url}` : url);
  if (!target) throw new Problem('malformed_target', { detail: `${quoted(url)} is no target` });
  return target;
}

function operationAt(resource: Resource | undefined, path: string, method: string): Operation {
  if (!resource) throw new Problem('not_found', { detail: `nothing is at ${quoted(path)}` });
  const operation = resource[method === 'HEAD' ? 'GET' : (method as keyof Resource)];
  if (operation) return operation;
  const allowed = Object.keys(resource).flatMap((name) => (name === 'GET' ? [name, 'HEAD'] : name));
  const detail = `${quoted(method)} is not among ${allowed.join(', ')}`;
  throw new Problem('method_not_allowed', { detail, headers: { Allow: allowed.join(', ') } });
}

function sendProblem(response: ServerResponse, region: string, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  if (!(error instanceof Problem)) console.error(error);
  const problem =
    error instanceof Problem
      ? error
      : new Problem('internal_error', { detail: 'see the log of the service' });
  sendJson(response, problem.status, { region, ...problem.body() }, problem.facts.headers);
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(text);
}
