import type { HeaderCondition, QueryCondition, RouteConfig } from '../../config/schema/route.ts';
import type { Conditional } from './candidates.ts';
import type { QueryReader } from './query.ts';

/**
 * Conditions of a route on header fields, query parameters and the listener where a request
 * came in; all have to hold. Values are compared whole and case-sensitively:
 *
 *  - a field with one of its lines, which is not split at commas;
 *  - a parameter with the first of that name, both decoded once (`+` is a space). What is not
 *    a well-formed escape is compared as it stands, so that it equals nothing decoded.
 */
export class RouteConditions {
  /** How many there are. */
  readonly headers: number;
  readonly query: number;
  /** To listeners. */
  readonly bound: boolean;
  readonly #route: string;
  readonly #headers: readonly HeaderCondition[];
  readonly #query: readonly QueryCondition[];
  readonly #listeners: readonly string[] | undefined;
  readonly #reader: QueryReader;

  private constructor(
    { name: route, headers = [], query = [], listeners }: RouteConfig,
    reader: QueryReader,
  ) {
    this.#route = route;
    this.headers = headers.length;
    this.query = query.length;
    this.bound = listeners !== undefined;
    this.#headers = headers.map((one) => ({ ...one, name: one.name.toLowerCase() }));
    this.#query = query;
    this.#listeners = listeners;
    this.#reader = reader;
    for (const { name } of query) reader.add(name);
  }

  /** `undefined` for a route without any. @param reader the one of all routes */
  static of(route: RouteConfig, reader: QueryReader): RouteConditions | undefined {
    const { headers, query, listeners } = route;
    return headers || query || listeners ? new RouteConditions(route, reader) : undefined;
  }

  hold(request: Conditional): boolean {
    const { fields, query, foundRoute } = request;
    if (foundRoute !== undefined) return foundRoute === this.#route;
    if (this.#listeners && !this.#listeners.includes(request.listener)) return false;
    for (const condition of this.#headers) if (!headerHolds(condition, fields)) return false;
    if (this.#query.length === 0) return true;
    const parameters = this.#reader.parametersOf(query);
    return this.#query.every(({ name, value, present }) => {
      const given = parameters.get(name);
      return value === undefined ? (given !== undefined) === present : given === value;
    });
  }
}

function headerHolds(
  { name, value, present }: HeaderCondition,
  fields: readonly string[],
): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const given = fields[at]!;
    if (given.length !== name.length || given.toLowerCase() !== name) continue;
    if (value === undefined) return present!;
    if (fields[at + 1] === value) return true;
  }
  return value === undefined && !present;
}
