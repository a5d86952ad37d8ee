/** Something for each host: exact, or the longest wildcard. */
export class HostTable<Value> {
  readonly #exact = new Map<string, Value>();
  /** By the suffix below which they match: `example.com` for `*.example.com`. */
  readonly #wildcards = new Map<string, Value>();
  #longestSuffix = 0;

  /** That of a host or wildcard, made by `create` when new. */
  take(pattern: string, create: () => Value): Value {
    const wildcard = pattern.startsWith('*.');
    const table = wildcard ? this.#wildcards : this.#exact;
    const key = wildcard ? pattern.slice(2) : pattern;
    if (wildcard) this.#longestSuffix = Math.max(this.#longestSuffix, key.length);
    const known = table.get(key);
    if (known !== undefined) return known;
    const created = create();
    table.set(key, created);
    return created;
  }

  /** The first that `look` accepts (gives other than `undefined`), the most specific host first. */
  find<Found>(host: string, look: (value: Value) => Found | undefined): Found | undefined {
    const exact = this.#exact.get(host);
    const found = exact === undefined ? undefined : look(exact);
    if (found !== undefined || this.#longestSuffix === 0) return found;
    let dot = host.indexOf('.', Math.max(0, host.length - this.#longestSuffix - 1));
    for (; dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const wildcard = this.#wildcards.get(host.slice(dot + 1));
      const matched = wildcard === undefined ? undefined : look(wildcard);
      if (matched !== undefined) return matched;
    }
    return undefined;
  }

  has(host: string): boolean {
    return this.find(host, () => true) ?? false;
  }
}
