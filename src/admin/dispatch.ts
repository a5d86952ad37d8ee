import { type Answer, problem, problemOf } from './answer.ts';
import type { Guard } from './guard.ts';
import type { NodeView } from './node-view.ts';
import { resources } from './resources/all.ts';
import type { BodyRule, Resource } from './resources/resource.ts';

/** What of a request decides about its answer. */
export interface AdminRequest {
  readonly method: string;
  /** Request target as sent: path and query. */
  readonly target: string;
  readonly remoteAddress: string | undefined;
  readonly host: string | undefined;
  readonly authorization: string | undefined;
  /** Reads the body whole. @throws MeridianError with a code of `problems.ts` */
  body(rule: BodyRule | undefined): Promise<Buffer>;
}

/** guard → resource → method → token → parameters → body → answer; the first refusal ends it. */
export async function dispatch(
  request: AdminRequest,
  guard: Guard,
  view: NodeView,
  onFailure: (error: unknown) => void,
): Promise<Answer> {
  const refusal = guard.refuseReading(request.remoteAddress, request.host);
  if (refusal) return refusal;
  const [path = '', query = ''] = request.target.split('?', 2);
  const resource = resources.get(path);
  if (!resource) return problem('not_found', 'GET / lists the resources');
  const wrongMethod = refuseMethod(request.method, resource);
  if (wrongMethod) return wrongMethod;
  if (resource.method === 'POST') {
    const unauthorised = guard.refuseChange(request.authorization);
    if (unauthorised) return unauthorised;
  }
  const parameters = readParameters(query, resource);
  if (typeof parameters === 'string') return problem('bad_parameter', parameters);
  try {
    return await answerWithBody(request, resource, view, parameters);
  } catch (error) {
    const explained = problemOf(error);
    if (explained) return explained;
    onFailure(error);
    return problem('internal_error', 'the log of the node says why');
  }
}

async function answerWithBody(
  request: AdminRequest,
  resource: Resource,
  view: NodeView,
  parameters: Readonly<Record<string, string>>,
): Promise<Answer> {
  const body = await request.body(resource.body);
  try {
    return await resource.answer(view, parameters, body);
  } finally {
    if (resource.body?.secret) body.fill(0);
  }
}

function refuseMethod(method: string, { method: own, path }: Resource): Answer | undefined {
  if (method === own || (method === 'HEAD' && own === 'GET')) return undefined;
  const allow = own === 'GET' ? 'GET, HEAD' : own;
  return problem('method_not_allowed', `${path} has ${allow}`, { Allow: allow });
}

/** The parameters given, or a sentence that says what is wrong with them. */
function readParameters(query: string, resource: Resource): Record<string, string> | string {
  const given: Record<string, string> = {};
  const declared = resource.parameters;
  if (!declared) return given;
  for (const [name, value] of new URLSearchParams(query)) {
    if (!Object.hasOwn(declared, name)) {
      return `unknown parameter; ${resource.path} has: ${Object.keys(declared).join(', ')}`;
    }
    if (Object.hasOwn(given, name)) return `${name} is given twice`;
    given[name] = value;
  }
  const missing = Object.keys(declared).find(
    (name) => declared[name] === 'required' && !given[name],
  );
  return missing === undefined ? given : `${missing} is missing`;
}
