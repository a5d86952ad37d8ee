import type { RouteConfig } from '../../config/schema/route.ts';
import { compilePathChange, type PathChange } from './path-change.ts';

/** What a service sees in place of what was sent. */
export interface Rewrite {
  readonly path: PathChange | undefined;
  /** Host, with a port where one is not the usual. */
  readonly host: string | undefined;
}

export function compileRewrite(route: RouteConfig): Rewrite | undefined {
  const { rewrite } = route;
  return rewrite && { path: compilePathChange(rewrite, route), host: rewrite.host };
}
