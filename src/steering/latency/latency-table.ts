import type { Config } from '../../config/schema/config.ts';
import type { Topology } from '../../config/topology.ts';
import { parseNetwork } from '../network.ts';
import { type PrefixCell, type PrefixEntry, PrefixTrie } from '../prefix-trie.ts';

/** Round trips in milliseconds by region index; NaN where none was measured. */
export type MeasuredLatency = Float64Array;

/** The measured round trips from client networks to regions (`latency.table` of the configuration). */
export class LatencyTable {
  readonly #v4: PrefixTrie<MeasuredLatency>;
  readonly #v6: PrefixTrie<MeasuredLatency>;

  constructor(entries: Config['latency']['table'], topology: Topology) {
    const v4: PrefixEntry<MeasuredLatency>[] = [];
    const v6: PrefixEntry<MeasuredLatency>[] = [];
    for (const { network, regions } of entries) {
      const value = new Float64Array(topology.regions.length).fill(Number.NaN);
      for (const [name, latencyMs] of Object.entries(regions)) {
        const index = topology.regionIndex.get(name);
        if (index !== undefined) value[index] = latencyMs;
      }
      const { address, prefixBits } = parseNetwork(network);
      (address.length === 4 ? v4 : v6).push({ address, prefixBits, value });
    }
    this.#v4 = new PrefixTrie(v4);
    this.#v6 = new PrefixTrie(v6);
  }

  /** By the longest network that holds `address` (4 or 16 bytes). */
  find(address: Uint8Array): PrefixCell<MeasuredLatency> {
    return (address.length === 4 ? this.#v4 : this.#v6).find(address);
  }
}
