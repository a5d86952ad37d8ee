import type { ProbeResult } from './own-probes.ts';
import { gatewayKey, type HealthPlan } from './plan.ts';
import type { HealthTable } from './table.ts';

/** Weight of the newest probe: one odd probe moves little, and ten seconds tell. */
const newest = 0.2;
/** What differs by less is the same: the order of regions shall not change with every probe. */
const leastShare = 0.2;
const leastMs = 2;
/** A probe connects, then asks. */
const tripsPerProbe = 2;

/**
 * How far the other regions are, in milliseconds there and back, by the probes of their gateways:
 * exponentially weighted, written to the table when it has changed enough to matter.
 */
export class RoundTrips {
  /** By region name: known over revisions. */
  readonly #means = new Map<string, number>();
  #regions: ReadonlyMap<string, { readonly name: string; readonly index: number }> = new Map();
  #table: HealthTable;

  constructor(plan: HealthPlan, table: HealthTable) {
    this.#table = table;
    this.follow(plan, table);
  }

  follow(plan: HealthPlan, table: HealthTable): void {
    this.#table = table;
    const others = plan.regions.filter((region) => region !== plan.region);
    const subjects = others.flatMap((region) => plan.subjects.get(gatewayKey(region)) ?? []);
    this.#regions = new Map(
      subjects.flatMap(({ region, watched }) =>
        region ? watched.map(({ target }) => [target, region] as const) : [],
      ),
    );
    for (const { region } of subjects) {
      const mean = region && this.#means.get(region.name);
      if (region && mean !== undefined) table.setRoundTripMs(region.index, mean);
    }
  }

  /** Only of probes that succeeded: a refusal comes from whoever stands nearest. */
  probed({ target, ok, startedMs, atMs }: ProbeResult): void {
    const region = this.#regions.get(target);
    if (!region || !ok) return;
    const sample = (atMs - startedMs) / tripsPerProbe;
    const before = this.#means.get(region.name) ?? sample;
    const mean = before + newest * (sample - before);
    this.#means.set(region.name, mean);
    const written = this.#table.roundTripMs(region.index);
    const change = Math.abs(mean - (written ?? Number.POSITIVE_INFINITY));
    if (change < leastMs || change < leastShare * (written ?? 0)) return;
    this.#table.setRoundTripMs(region.index, mean);
  }
}
