import type { RateTable } from '../money/rate-table.ts';

/**
 * The newest tables of this process, in a ring:
 *
 *   [ t6 | t7 | t3 | t4 | t5 ]     capacity 5, seven tables came
 *              ▲ next to be overwritten
 */
export class History {
  readonly capacity: number;
  readonly #ring: RateTable[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  add(table: RateTable): void {
    this.#ring[this.#next] = table;
    this.#next = (this.#next + 1) % this.capacity;
  }

  /** At most `limit` tables, oldest first. */
  newest(limit: number): readonly RateTable[] {
    const inOrder = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    return inOrder.slice(-limit);
  }
}
