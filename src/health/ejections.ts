import type { EjectionConfig } from '../config/schema/resilience.ts';
import type { EndpointInfo, Topology } from '../config/topology.ts';
import { closed, type EndpointTable, halfOpen } from './endpoint-table.ts';
import type { HealthTable } from './table.ts';

/** How long trials may stay without an end before they count as lost. */
const lostTrialsMs = 30_000;

/**
 * Moves the breakers of the endpoints of a node's own region by time and by its probes:
 *
 *   closed ──── failures of traffic (gateway threads) ────▶ open, by traffic
 *     ▲  ▲                                                   │          │
 *     │  └── trials pass ── half-open ◀── after a while ─────┘          │ failed probe
 *     │                        │   ▲                                    │
 *     │                        └───┴── a trial fails: twice as long     ▼
 *     └───────────────── probe succeeded ──────────────────── open, by probe
 *                           ▲
 *   closed ── failed probe ─┘
 *
 * A probe that succeeds does not shorten an ejection by traffic: what fails requests may
 * well pass its check, and would be let in again every second.
 */
export class Ejections {
  readonly #endpoints: EndpointTable;
  readonly #topology: Topology;
  readonly #local: readonly EndpointInfo[];
  readonly #byProbe = new Set<number>();
  /** When the window of a service began, by its index. */
  readonly #windowAtMs = new Map<number, number>();

  constructor(table: HealthTable, topology: Topology, region: string) {
    const index = topology.regionIndex.get(region);
    this.#endpoints = table.endpoints;
    this.#topology = topology;
    this.#local = topology.endpoints.filter(({ regionIndex }) => regionIndex === index);
  }

  /** A conclusive probe of these endpoints of the own region ended. */
  probed(endpoints: readonly EndpointInfo[], ok: boolean, atMs: number): void {
    for (const { index, serviceIndex, regionIndex } of endpoints) {
      if (ok) {
        if (this.#byProbe.delete(index)) this.#endpoints.admit(index, atMs);
        continue;
      }
      const service = this.#topology.services[serviceIndex];
      if (!service) continue;
      const siblings = (service.endpoints[regionIndex] ?? []).map((sibling) => sibling.index);
      this.#endpoints.eject(index, siblings, service.config.ejection.maximumShare, atMs);
      if (this.#endpoints.state(index) !== closed) this.#byProbe.add(index);
    }
  }

  /** Lets in trials where it is time to, and begins windows anew. To be called every 100 ms. */
  scan(atMs: number): void {
    for (const endpoint of this.#local) {
      const { index, serviceIndex } = endpoint;
      const ejection = this.#topology.services[serviceIndex]?.config.ejection;
      const state = this.#endpoints.state(index);
      if (!ejection || state === closed) {
        this.#byProbe.delete(index);
        continue;
      }
      const forMs = atMs - this.#endpoints.changedAtMs(index);
      if (state === halfOpen) {
        if (forMs >= lostTrialsMs) this.#endpoints.forgetTrials(index);
      } else if (!this.#byProbe.has(index) && forMs >= this.#openMs(index, ejection)) {
        this.#endpoints.tryAgain(index, atMs);
      }
    }
    this.#turnWindows(atMs);
  }

  /** Doubled with each opening in a row. */
  #openMs(index: number, { duration, maximumDuration }: EjectionConfig): number {
    const doublings = Math.min(20, Math.max(0, this.#endpoints.openings(index) - 1));
    return Math.max(duration, Math.min(maximumDuration, duration * 2 ** doublings));
  }

  #turnWindows(atMs: number): void {
    for (const { index, config } of this.#topology.services) {
      const { failureShare, window } = config.ejection;
      const sinceMs = this.#windowAtMs.get(index);
      if (failureShare === undefined || (sinceMs !== undefined && atMs - sinceMs < window))
        continue;
      this.#windowAtMs.set(index, atMs);
      for (const endpoint of this.#local) {
        if (endpoint.serviceIndex === index) this.#endpoints.beginWindow(endpoint.index);
      }
    }
  }
}
