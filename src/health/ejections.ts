import type { EndpointInfo, Topology } from '../config/topology.ts';
import type { HealthTable } from './table.ts';

/**
 * Ends the ejections of the endpoints of a node's own region, and begins those that its
 * probes ask for:
 *
 *   admitted ──── failures of traffic (gateway threads) ────▶ ejected by traffic
 *      ▲  ▲                                                     │          │
 *      │  └──────────────── after `ejection.duration` ──────────┘          │ failed probe
 *      │ probe succeeded                                                   ▼
 *      └──────────────────────────────────────────────────────── ejected by probe
 *                             ▲
 *   admitted ── failed probe ─┘
 *
 * A probe that succeeds does not shorten an ejection by traffic: what fails requests may
 * well pass its check, and would be let in again every second.
 */
export class Ejections {
  readonly #table: HealthTable;
  readonly #topology: Topology;
  readonly #local: readonly EndpointInfo[];
  /** Monotonic time from which an endpoint was seen ejected, by endpoint index. */
  readonly #sinceMs = new Map<number, number>();
  readonly #byProbe = new Set<number>();

  constructor(table: HealthTable, topology: Topology, region: string) {
    const index = topology.regionIndex.get(region);
    this.#table = table;
    this.#topology = topology;
    this.#local = topology.endpoints.filter(({ regionIndex }) => regionIndex === index);
  }

  /** A conclusive probe of these endpoints of the own region ended. */
  probed(endpoints: readonly EndpointInfo[], ok: boolean): void {
    for (const endpoint of endpoints) {
      const { index, serviceIndex, regionIndex } = endpoint;
      if (ok) {
        if (this.#byProbe.delete(index)) this.#readmit(index);
        continue;
      }
      const service = this.#topology.services[serviceIndex];
      if (!service) continue;
      const siblings = service.endpoints[regionIndex] ?? [];
      this.#table.eject(endpoint, siblings, service.config.ejection.maximumShare);
      if (this.#table.ejected(index)) this.#byProbe.add(index);
    }
  }

  /** Releases what was ejected for long enough. To be called every 100 ms. */
  scan(atMs: number): void {
    for (const { index, serviceIndex } of this.#local) {
      if (!this.#table.ejected(index)) {
        this.#sinceMs.delete(index);
        continue;
      }
      const sinceMs = this.#sinceMs.get(index);
      if (sinceMs === undefined) {
        this.#sinceMs.set(index, atMs);
        continue;
      }
      const durationMs = this.#topology.services[serviceIndex]?.config.ejection.duration ?? 0;
      if (!this.#byProbe.has(index) && atMs - sinceMs >= durationMs) this.#readmit(index);
    }
  }

  #readmit(index: number): void {
    this.#sinceMs.delete(index);
    this.#table.readmit(index);
  }
}
