import type { RouteConditions } from './conditions.ts';

/** What of a request, besides host and path, decides its route. An exchange satisfies it. */
export interface Conditional {
  readonly method: string;
  /** name, value, name, value … as received. */
  readonly fields: readonly string[];
  /** With its `?`, or ''. */
  readonly query: string;
  /** Name of the listener where the client's request came in. */
  readonly listener: string;
  /**
   * The name of the route that another region found for it, before policies changed what
   * conditions look at: no others than its conditions hold, and these do. Default: not known.
   */
  readonly foundRoute?: string | undefined;
}

interface Candidate {
  readonly index: number;
  readonly methods: readonly string[] | undefined;
  readonly conditions: RouteConditions;
}

/**
 * The routes that share one host and one path. Without conditions on header fields, query or
 * listener one look-up by method finds the route; those with conditions are tried one by one,
 * in the order of precedence, before the others that name the method as they do.
 */
export class Candidates {
  /** `undefined`: no route here names methods. */
  #byMethod: Map<string, number> | undefined;
  #any = -1;
  /** The most specific first. */
  #conditional: Candidate[] | undefined;

  /** `methods` undefined: any. The earlier of two equal routes stays. */
  add(
    index: number,
    methods: readonly string[] | undefined,
    conditions: RouteConditions | undefined,
  ): void {
    if (conditions) {
      this.#conditional ??= [];
      this.#conditional.push({ index, methods, conditions });
      this.#conditional.sort(byPrecedence);
      return;
    }
    if (methods === undefined && this.#any === -1) this.#any = index;
    if (methods === undefined) return;
    this.#byMethod ??= new Map();
    for (const method of methods) {
      if (!this.#byMethod.has(method)) this.#byMethod.set(method, index);
    }
  }

  /** The route for the request; -1 for none. */
  find(request: Conditional): number {
    if (!this.#conditional) return this.#byMethod?.get(request.method) ?? this.#any;
    const named = this.#findConditional(request, true);
    if (named !== -1) return named;
    const plain = this.#byMethod?.get(request.method);
    if (plain !== undefined) return plain;
    const any = this.#findConditional(request, false);
    return any === -1 ? this.#any : any;
  }

  /** Adds the methods with which the request would be for a route here, when `find` gives -1. */
  collect(request: Conditional, into: Set<string>): void {
    for (const method of this.#byMethod?.keys() ?? []) into.add(method);
    for (const { methods, conditions } of this.#conditional ?? []) {
      if (!methods || !conditions.hold(request)) continue;
      for (const method of methods) into.add(method);
    }
  }

  #findConditional(request: Conditional, named: boolean): number {
    for (const { index, methods, conditions } of this.#conditional!) {
      if ((methods !== undefined) !== named) continue;
      if (methods !== undefined && !methods.includes(request.method)) continue;
      if (conditions.hold(request)) return index;
    }
    return -1;
  }
}

/** Of routes with the same path: most header conditions, most of the query, a listener, order. */
function byPrecedence(a: Candidate, b: Candidate): number {
  return (
    b.conditions.headers - a.conditions.headers ||
    b.conditions.query - a.conditions.query ||
    Number(b.conditions.bound) - Number(a.conditions.bound) ||
    a.index - b.index
  );
}
