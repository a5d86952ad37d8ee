import type { TransferredZone, TransferredZones } from '../../dns/transfer/zone-image.ts';

/** Of a zone that name servers could not take in to the next time; then twice as long each time. */
const firstRetryMs = 10_000;
const lastRetryMs = 600_000;
/** Up to so much earlier, so that zones that failed together do not come again together. */
const jitter = 0.25;

type Served = TransferredZone | 'expired' | undefined;

/** All that name servers are to serve, and what of it is other than before. */
export interface ZoneOffer {
  readonly zones: TransferredZones;
  readonly names: readonly string[];
}

interface Refusal {
  readonly zone: Served;
  readonly times: number;
  readonly dueMs: number;
  readonly reason: string;
}

/**
 * Which transferred zones name servers are offered, and when. What changed goes together. What they
 * could not take in goes alone from then on, each zone at a time of its own, so that one that cannot be
 * served keeps no other one waiting; meanwhile they have what they had of it.
 *
 *   changed ──▶ offered together ─┬─ taken ─────────────────────▶ served
 *                                 └─ refused ─▶ waits ─▶ offered alone ─┬─▶ served
 *                                                 ▲                     │
 *                                                 └─────── refused ─────┘
 */
export class ZoneOffers {
  #served: TransferredZones = {};
  readonly #refusals = new Map<string, Refusal>();

  /** @param served what name servers have from the start */
  begin(served: TransferredZones): void {
    this.#served = served;
  }

  /** What name servers have. */
  get served(): TransferredZones {
    return this.#served;
  }

  /** Zones that they have not taken in yet: name and why. */
  refusals(): readonly (readonly [name: string, reason: string])[] {
    return [...this.#refusals].map(([name, { reason }]) => [name, reason]);
  }

  /** @param wanted zones that there are. Without names: there is nothing to do now. */
  next(wanted: TransferredZones, nowMs: number): ZoneOffer {
    const changed = this.#changed(wanted);
    const together = changed.filter((name) => !this.#refusals.has(name));
    const due = changed.find((name) => this.#dueMs(name, zoneOf(wanted, name)) <= nowMs);
    const alone = due === undefined ? [] : [due];
    const names = together.length > 0 ? together : alone;
    return { names, zones: this.#with(wanted, names) };
  }

  /** When there is something to offer again; `undefined`: not by itself. */
  nextMs(wanted: TransferredZones): number | undefined {
    const changed = this.#changed(wanted);
    if (changed.length === 0) return undefined;
    return Math.min(...changed.map((name) => this.#dueMs(name, zoneOf(wanted, name))));
  }

  taken({ zones, names }: ZoneOffer): void {
    this.#served = zones;
    for (const name of names) this.#refusals.delete(name);
  }

  /** @param random [0, 1), asked for each zone */
  refused({ zones, names }: ZoneOffer, reason: string, nowMs: number, random: () => number): void {
    for (const name of names) {
      const times = this.#refusals.get(name)?.times ?? 0;
      const delayMs = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(times, 20));
      const dueMs = nowMs + Math.round(delayMs * (1 - jitter * random()));
      this.#refusals.set(name, { zone: zoneOf(zones, name), times: times + 1, dueMs, reason });
    }
  }

  #changed(wanted: TransferredZones): string[] {
    const names = new Set([...Object.keys(wanted), ...Object.keys(this.#served)]);
    const changed = [...names].filter(
      (name) => !isSame(zoneOf(wanted, name), zoneOf(this.#served, name)),
    );
    const known = new Set(changed);
    for (const name of this.#refusals.keys()) if (!known.has(name)) this.#refusals.delete(name);
    return changed;
  }

  /** Another transfer of a zone is another zone: it need not wait. */
  #dueMs(name: string, zone: Served): number {
    const refusal = this.#refusals.get(name);
    return refusal && isSame(refusal.zone, zone) ? refusal.dueMs : Number.NEGATIVE_INFINITY;
  }

  #with(wanted: TransferredZones, names: readonly string[]): TransferredZones {
    const zones = new Map(Object.entries(this.#served));
    for (const name of names) {
      const zone = zoneOf(wanted, name);
      if (zone) zones.set(name, zone);
      else zones.delete(name);
    }
    return Object.fromEntries(zones);
  }
}

/** Zones have any name, also one that all objects have. */
function zoneOf(zones: TransferredZones, name: string): Served {
  return Object.hasOwn(zones, name) ? zones[name] : undefined;
}

function isSame(one: Served, other: Served): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other;
  return one.serial === other.serial && one.bytes === other.bytes;
}
