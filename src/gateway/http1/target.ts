import { type Authority, parseAuthority } from './authority.ts';
import { refuse } from './wire-error.ts';

/** A request target taken apart (RFC 9112 §3.2). */
export interface RequestTarget {
  /**
   * `asterisk` is `OPTIONS *` and its absolute spelling, `OPTIONS http://host` without a
   * path (RFC 9112 §3.2.4). There is no authority form: CONNECT is refused.
   */
  readonly form: 'origin' | 'absolute' | 'asterisk';
  /** As sent, not normalised; `*` in asterisk form. */
  readonly path: string;
  /** With its `?`, or ''. */
  readonly query: string;
  /** Only from absolute form, with the scheme's port made explicit when it was not. */
  readonly authority: (Authority & { readonly defaultPort: string }) | undefined;
}

/** Throws `bad_target` for a form that does not fit the method. The characters were checked. */
export function parseTarget(target: string, method: string): RequestTarget {
  if (target.charCodeAt(0) === 0x2f) return splitQuery('origin', target, undefined);
  if (target === '*') {
    if (method !== 'OPTIONS') refuse('bad_target', 'target "*" is for OPTIONS only');
    return { form: 'asterisk', path: '*', query: '', authority: undefined };
  }
  return parseAbsolute(target, method);
}

function splitQuery(
  form: 'origin' | 'absolute',
  pathAndQuery: string,
  authority: RequestTarget['authority'],
): RequestTarget {
  const mark = pathAndQuery.indexOf('?');
  return {
    form,
    path: mark === -1 ? pathAndQuery : pathAndQuery.substring(0, mark),
    query: mark === -1 ? '' : pathAndQuery.substring(mark),
    authority,
  };
}

function parseAbsolute(target: string, method: string): RequestTarget {
  const lower = target.slice(0, 8).toLowerCase();
  const defaultPort = lower.startsWith('http://') ? '80' : lower === 'https://' ? '443' : undefined;
  if (defaultPort === undefined) {
    refuse('bad_target', 'the request target is neither a path nor an http or https URI');
  }
  const start = defaultPort === '80' ? 7 : 8;
  let end = start;
  while (end < target.length && !'/?'.includes(target.charAt(end))) end++;
  const parsed = parseAuthority(target.slice(start, end));
  if (parsed === undefined) refuse('bad_target', 'the request target has no valid authority');
  const authority = { ...parsed, defaultPort };
  if (end === target.length && method === 'OPTIONS') {
    return { form: 'asterisk', path: '*', query: '', authority };
  }
  const rest = target.slice(end);
  return splitQuery('absolute', rest.startsWith('/') ? rest : `/${rest}`, authority);
}
