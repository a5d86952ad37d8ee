import { isUtf8 } from 'node:buffer';

/**
 * The parameters that conditions of routes name, of one query after the other. A query is
 * taken apart once, however many routes look at it, and only what is asked for is decoded:
 * one that is full of broken escapes costs its length, not a look per route.
 */
export class QueryReader {
  readonly #names = new Set<string>();
  #query = '';
  #parameters: ReadonlyMap<string, string> = new Map();

  /** To be said of every name before the first look. */
  add(name: string): void {
    this.#names.add(name);
  }

  /** The first value of each name that was added and is there. `query` begins with its `?`, or is ''. */
  parametersOf(query: string): ReadonlyMap<string, string> {
    if (query !== this.#query) {
      this.#parameters = this.#take(query);
      this.#query = query;
    }
    return this.#parameters;
  }

  #take(query: string): ReadonlyMap<string, string> {
    const parameters = new Map<string, string>();
    for (let start = 1; start < query.length && parameters.size < this.#names.size; ) {
      const next = query.indexOf('&', start);
      const end = next === -1 ? query.length : next;
      const part = query.slice(start, end);
      const equals = part.indexOf('=');
      const name = decoded(equals === -1 ? part : part.slice(0, equals));
      if (this.#names.has(name) && !parameters.has(name)) {
        parameters.set(name, equals === -1 ? '' : decoded(part.slice(equals + 1)));
      }
      start = end + 1;
    }
    return parameters;
  }
}

/**
 * Escapes once, and `+` as a space. What is not well-formed stays as it is. (To find that out
 * by an error of `decodeURIComponent` costs ten times as much, and is the client's choice.)
 */
function decoded(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  if (/%(?![0-9A-Fa-f]{2})/.test(spaced)) return text;
  const octets = Buffer.from(spaced.replace(/%(..)/g, octetOf), 'latin1');
  return isUtf8(octets) ? octets.toString() : text;
}

function octetOf(_escape: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}
