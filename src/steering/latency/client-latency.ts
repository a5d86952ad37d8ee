import type { Topology } from '../../config/topology.ts';
import type { LatencyTable, MeasuredLatency } from './latency-table.ts';
import { findCell, type MeasuredCells, unranked } from './measured-cells.ts';

/** What clients have measured, as it is now. */
export interface MeasuredSource {
  /** Replaced whole; `undefined`: nothing is measured. */
  readonly cells: MeasuredCells | undefined;
}

/** What is known of the round trips from one client. */
export interface ClientLatencies {
  /** To compare regions by: milliseconds of the operator's table, or ranks of what was reported. */
  readonly value: MeasuredLatency | undefined;
  readonly from: 'table' | 'reports' | undefined;
  /** Length of the prefix around the client in which all this is so. */
  readonly prefixBits: number;
}

const nothing: ClientLatencies = { value: undefined, from: undefined, prefixBits: 0 };

/** Round trips from client networks: what the operator says, else what browsers reported. */
export class ClientLatency {
  readonly #table: LatencyTable;
  readonly #measured: MeasuredSource | undefined;
  readonly #topology: Topology;
  #cells: MeasuredCells | undefined;
  /** By ranking of `#cells`: ranks by region index of this topology. */
  #ranks: readonly MeasuredLatency[] = [];

  constructor(table: LatencyTable, measured: MeasuredSource | undefined, topology: Topology) {
    this.#table = table;
    this.#measured = measured;
    this.#topology = topology;
  }

  /** `address` has 4 or 16 bytes. */
  find(address: Uint8Array): ClientLatencies {
    const { value, prefixBits } = this.#table.find(address);
    if (value) return { value, from: 'table', prefixBits };
    const cells = this.#measured?.cells;
    if (!cells) return prefixBits === 0 ? nothing : { ...nothing, prefixBits };
    if (cells !== this.#cells) this.#follow(cells);
    const found = findCell(cells, address);
    const bits = Math.max(prefixBits, found.prefixBits);
    if (found.ranking < 0) return { ...nothing, prefixBits: bits };
    return { value: this.#ranks[found.ranking], from: 'reports', prefixBits: bits };
  }

  #follow(cells: MeasuredCells): void {
    const { regions, regionIndex } = this.#topology;
    this.#cells = cells;
    this.#ranks = cells.rankings.map((ranking) => {
      const ranks = new Float64Array(regions.length).fill(Number.NaN);
      for (const [at, name] of cells.regions.entries()) {
        const index = regionIndex.get(name);
        const rank = ranking[at];
        if (index !== undefined && rank !== undefined && rank !== unranked) ranks[index] = rank;
      }
      return ranks;
    });
  }
}
