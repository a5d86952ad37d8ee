import type { LeaseDocument } from './lease-document.ts';
import type { Facts, LeaseSettings } from './lease-rules.ts';

/** The first region has been fit for so long before it gets the set back (`prefer: first`). */
const settledMs = 30_000;

/** Which region is to have a lease next, as a node of one of them sees it. */
export class Succession {
  readonly #region: string;
  /** Since when the first region has been healthy without a break. */
  #firstFitMs: number | undefined;

  constructor(region: string) {
    this.#region = region;
  }

  /** To be called often. */
  look({ prefer, regions }: LeaseSettings, atMs: number, { healthy }: Facts): void {
    const isFit = prefer === 'first' && regions[0] !== undefined && healthy(regions[0]);
    this.#firstFitMs = isFit ? (this.#firstFitMs ?? atMs) : undefined;
  }

  /** To whom the own region, which has it, is to hand it over now. */
  wanted(
    settings: LeaseSettings,
    { to }: LeaseDocument,
    atMs: number,
    facts: Facts,
  ): string | undefined {
    if (to !== undefined && this.#isOther(settings, to) && facts.healthy(to)) return to;
    if (facts.failing) return this.heir(settings, facts);
    const [first] = settings.regions;
    const isSettled = this.#firstFitMs !== undefined && atMs - this.#firstFitMs >= settledMs;
    return isSettled && first !== undefined && this.#isOther(settings, first) ? first : undefined;
  }

  /** Who takes over from the own region. */
  heir(settings: LeaseSettings, { healthy }: Facts): string | undefined {
    return settings.regions.find((region) => this.#isOther(settings, region) && healthy(region));
  }

  /** Who has the right of way before the own region. It has it for a lease only. */
  before(
    { regions }: LeaseSettings,
    document: LeaseDocument | undefined,
    { healthy }: Facts,
  ): string | undefined {
    const to = document?.to;
    if (to === this.#region) return undefined;
    if (to !== undefined && regions.includes(to)) return to;
    const earlier = regions.slice(0, regions.indexOf(this.#region));
    return earlier.find((region) => region !== document?.holder && healthy(region));
  }

  #isOther({ regions }: LeaseSettings, region: string): boolean {
    return region !== this.#region && regions.includes(region);
  }
}
