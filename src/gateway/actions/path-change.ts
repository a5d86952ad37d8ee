import type { RouteConfig } from '../../config/schema/route.ts';
import { canonicalPath } from '../router/route-path.ts';

/** What of a routed request a path is made from. */
export interface RoutedPath {
  /** Canonical, without the base path of a domain. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
}

/** The path in place of the one that was routed: canonical again. */
export type PathChange = (routed: RoutedPath) => string;

/**
 * `prefix`: what follows the route's own prefix goes behind the new one. `path`: a template,
 * in which `:name` is the segment of that name as it stands in the canonical path, never
 * decoded. Both can only join canonical pieces, so nothing that was refused on its way in
 * (a dot segment, an escaped slash) can come about.
 */
export function compilePathChange(
  { prefix, path }: { readonly prefix?: string | undefined; readonly path?: string | undefined },
  route: RouteConfig,
): PathChange | undefined {
  if (prefix !== undefined) return replacePrefix(prefix, route.prefix ?? '/');
  return path === undefined ? undefined : fillTemplate(path);
}

function replacePrefix(by: string, matched: string): PathChange {
  const { length } = withoutSlash(canonicalPath(matched));
  const start = withoutSlash(canonicalPath(by));
  return ({ path }) => {
    const rest = path.slice(length);
    return start === '' && rest === '' ? '/' : start + rest;
  };
}

function fillTemplate(template: string): PathChange {
  const parts = canonicalPath(template)
    .split('/')
    .map((text) => ({ text, name: /^:(.+)$/.exec(text)?.[1] }));
  if (parts.every(({ name }) => name === undefined)) {
    const fixed = canonicalPath(template);
    return () => fixed;
  }
  return ({ params }) =>
    parts.map(({ text, name }) => (name === undefined ? text : (params[name] ?? ''))).join('/');
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
