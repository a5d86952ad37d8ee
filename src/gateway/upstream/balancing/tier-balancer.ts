import type { EndpointInfo } from '../../../config/topology.ts';
import type { BalanceKey, Balancer, EndpointLoads } from './balancer.ts';
import { divide, type TierShares } from './tiers.ts';

/** Rises with every ejection and readmission. `HealthTable` satisfies it. */
export interface ChangeCount {
  readonly generation: number;
}

/** Where in [0, 1) a request stands when requests are divided: at random, or by its key. */
export type Position = (request: BalanceKey) => number;

/** How requests are divided at present. Computed when something changed, not for each request. */
export class TierDivision {
  readonly #tiers: readonly (readonly EndpointInfo[])[];
  readonly #factor: number;
  readonly #changes: ChangeCount;
  #generation = Number.NaN;
  #shares: TierShares = { tiers: [], beyond: 1 };

  constructor(tiers: readonly (readonly EndpointInfo[])[], factor: number, changes: ChangeCount) {
    this.#tiers = tiers;
    this.#factor = factor;
    this.#changes = changes;
  }

  shares(loads: EndpointLoads): TierShares {
    const { generation } = this.#changes;
    if (generation !== this.#generation) {
      // Read before the states: a change in between makes it computed once more, not never.
      this.#generation = generation;
      this.#shares = divide(
        this.#tiers.map((endpoints) => weigh(endpoints, loads)),
        this.#factor,
      );
    }
    return this.#shares;
  }
}

function weigh(endpoints: readonly EndpointInfo[], loads: EndpointLoads) {
  let all = 0;
  let usable = 0;
  for (const { index, weight } of endpoints) {
    all += weight;
    if (!loads.ejected(index)) usable += weight;
  }
  return { weight: all, usable };
}

/** Divides requests over the tiers of a region; where one has nothing to give, the others follow. */
export class TierBalancer implements Balancer {
  readonly #balancers: readonly Balancer[];
  readonly #division: TierDivision;
  readonly #position: Position;

  /** @param balancers by tier, in the order of `division` */
  constructor(balancers: readonly Balancer[], division: TierDivision, position: Position) {
    this.#balancers = balancers;
    this.#division = division;
    this.#position = position;
  }

  next(
    request: BalanceKey,
    loads: EndpointLoads,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined {
    const first = this.#tier(request, loads);
    const chosen = this.#balancers[first]!.next(request, loads, tried, anyState);
    if (chosen) return chosen;
    for (let tier = 0; tier < this.#balancers.length; tier++) {
      if (tier === first) continue;
      const other = this.#balancers[tier]!.next(request, loads, tried, anyState);
      if (other) return other;
    }
    return undefined;
  }

  /** By the shares that the region takes; the first tier, where it takes nothing. */
  #tier(request: BalanceKey, loads: EndpointLoads): number {
    const { tiers, beyond } = this.#division.shares(loads);
    let left = this.#position(request) * (1 - beyond);
    for (let tier = 0; tier < tiers.length; tier++) {
      left -= tiers[tier]!;
      if (left < 0) return tier;
    }
    return 0;
  }
}

/** What keeps requests where they are. */
export interface Keeper {
  /** Whether the request belongs to an endpoint here that takes requests. */
  holds(request: BalanceKey, loads: EndpointLoads): boolean;
}

/** Which requests the region leaves to others while it has usable endpoints. */
export class RegionSpill {
  readonly #division: TierDivision;
  readonly #position: Position;
  readonly #keeper: Keeper | undefined;

  constructor(division: TierDivision, position: Position, keeper: Keeper | undefined) {
    this.#division = division;
    this.#position = position;
    this.#keeper = keeper;
  }

  /** To be asked once, before the own region; where no other takes the request, it stays. */
  leaves(request: BalanceKey, loads: EndpointLoads): boolean {
    const { beyond } = this.#division.shares(loads);
    // At full capacity, the usual case, nothing more is looked at.
    if (beyond === 0 || this.#position(request) >= beyond) return false;
    return !this.#keeper?.holds(request, loads);
  }
}
