/** The routes that share one host and one path, by method. */
export class MethodTable {
  readonly #byMethod = new Map<string, number>();
  #any = -1;

  /** `methods` undefined: any. The earlier of two routes for the same method stays. */
  add(methods: readonly string[] | undefined, index: number): void {
    if (methods === undefined && this.#any === -1) this.#any = index;
    for (const method of methods ?? []) {
      if (!this.#byMethod.has(method)) this.#byMethod.set(method, index);
    }
  }

  /** The route for the method, one that names it before one for any method; -1 for none. */
  find(method: string): number {
    return this.#byMethod.get(method) ?? this.#any;
  }

  /** Adds the methods that are named here; all there are whenever `find` gives -1. */
  collect(into: Set<string>): void {
    for (const method of this.#byMethod.keys()) into.add(method);
  }
}
