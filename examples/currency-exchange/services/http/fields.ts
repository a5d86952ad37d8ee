import { Problem } from './problem.ts';

/**
 * The named inputs of a request, from its query or from its JSON body. Names that an operation
 * does not know are refused: `symbol=USD` must not silently mean every symbol.
 */
export class Fields {
  readonly #values: ReadonlyMap<string, string>;

  private constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  /** Throws `Problem`: `unknown_field` or `repeated_field`. */
  static ofQuery(query: URLSearchParams, known: readonly string[]): Fields {
    const values = new Map<string, string>();
    for (const [name, value] of query) {
      requireKnown(name, known);
      if (values.has(name)) {
        throw new Problem('repeated_field', { field: name, detail: `${name} is given twice` });
      }
      values.set(name, value);
    }
    return new Fields(values);
  }

  /** Throws `Problem`: `unknown_field`, or `malformed_field` for what is not a string. */
  static ofObject(object: object, known: readonly string[]): Fields {
    const values = new Map<string, string>();
    for (const [name, value] of Object.entries(object)) {
      requireKnown(name, known);
      if (typeof value !== 'string') {
        const detail = `${name} must be a string, as "12.50": JSON numbers may lose digits`;
        throw new Problem('malformed_field', { field: name, detail });
      }
      values.set(name, value);
    }
    return new Fields(values);
  }

  optional(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** Throws `Problem` `missing_field`. */
  required(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined) {
      throw new Problem('missing_field', { field: name, detail: `${name} is missing` });
    }
    return value;
  }
}

function requireKnown(name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const detail = known.length > 0 ? `known are ${known.join(', ')}` : 'none is known here';
  throw new Problem('unknown_field', { field: name.slice(0, 40), detail, allowed: known });
}
