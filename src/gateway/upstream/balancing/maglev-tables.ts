import { type MaglevMember, MaglevTable } from './maglev-table.ts';

/**
 * The tables that balancers of one thread use at present. Building one takes some milliseconds
 * in which a thread does nothing else, and a new revision mostly has the members of the one
 * before: it gets the same table.
 */
export class MaglevTables {
  readonly #tables = new Map<string, WeakRef<MaglevTable>>();

  /** How many are known. */
  get size(): number {
    return this.#tables.size;
  }

  /** @param members as for `MaglevTable`, whose order matters here */
  of(members: readonly MaglevMember[]): MaglevTable {
    const key = JSON.stringify(members.map(({ name, weight }) => [name, weight]));
    const known = this.#tables.get(key)?.deref();
    if (known) return known;
    for (const [other, table] of this.#tables) if (!table.deref()) this.#tables.delete(other);
    const table = new MaglevTable(members);
    this.#tables.set(key, new WeakRef(table));
    return table;
  }
}
