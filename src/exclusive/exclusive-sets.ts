import { uptime } from 'node:os';
import type { Clock, Timer } from '../base/clock.ts';
import type { Bucket, Watch } from '../store/store.ts';
import { handOver, refuse } from './hand-over.ts';
import { type Claim, LeaseKeeper, type LeaseStatus } from './lease-keeper.ts';
import type { Facts, LeaseSettings } from './lease-rules.ts';

export interface ExclusiveSetsOptions {
  /** That of the leases: a key for each set, by its name. */
  readonly bucket: Bucket;
  readonly clock: Clock;
  readonly region: string;
  readonly node: string;
  /** Of the set of that name, at this moment. */
  facts(set: string): Facts;
  publish(set: string, claim: Claim): void;
  onChange(status: LeaseStatus): void;
  /** Since the machine was started, sleep included. Default: as the system says. */
  readonly bootMs?: () => number;
}

export const leaseBucket = 'exclusive';

const tickMs = 100;
/** Of sleep that counts; where the clock since boot tells whole seconds only, more is needed to see it. */
const suspendedMs = 250;
const coarselySuspendedMs = 1_500;
/** Who stops waits so long to be let go by the store. */
const leavingMs = 1_500;

/**
 * The leases of all exclusive sets at one node: what stands in the store comes by one watch,
 * what has to be written goes out from a tick.
 *
 *   store ── watch ──▶ ┌─────────────┐ ── claims ──▶ health table ◀── gateway and DNS threads
 *         ◀─ update ── │ LeaseKeeper │                                 ask at each use
 *   health ─ facts ──▶ └─────────────┘ one per set
 */
export class ExclusiveSets {
  readonly #options: ExclusiveSetsOptions;
  readonly #keepers = new Map<string, LeaseKeeper>();
  /** Of sets that are configured no more, until they are given up. */
  readonly #departing = new Set<LeaseKeeper>();
  readonly #watch: Watch;
  #ticking: Timer | undefined;
  #asleepMs: number | undefined;
  #bootIsFine = false;
  #closing: Promise<void> | undefined;

  constructor(options: ExclusiveSetsOptions) {
    this.#options = options;
    this.#watch = options.bucket.watch();
    void this.#follow();
    this.#tick();
  }

  /** Follows a configuration; what is held goes on. */
  configure(sets: readonly LeaseSettings[]): void {
    const named = new Set(sets.map(({ name }) => name));
    for (const [name, keeper] of this.#keepers) {
      if (named.has(name)) continue;
      this.#keepers.delete(name);
      keeper.reconfigure({ ...settingsOfNobody, name });
      this.#departing.add(keeper);
    }
    for (const settings of sets) {
      const known = this.#keepers.get(settings.name) ?? this.#takeBack(settings.name);
      known?.reconfigure(settings);
      this.#keepers.set(settings.name, known ?? this.#open(settings));
    }
  }

  /** Of a set that is back before it was given up: with a second keeper one could let go what the other claims. */
  #takeBack(name: string): LeaseKeeper | undefined {
    for (const keeper of this.#departing) {
      if (keeper.settings.name !== name) continue;
      this.#departing.delete(keeper);
      return keeper;
    }
    return undefined;
  }

  statuses(): LeaseStatus[] {
    return [...this.#keepers.values()].map((keeper) => keeper.status());
  }

  /**
   * Asks that `to` become active. The holder stops for it, if it holds it for healthy.
   *
   * @param force also where `to` is not healthy, and the holder is not waited for beyond its lease
   *   though it holds: whoever asks that knows that it has stopped. Where `to` is active already,
   *   it no longer waits for nodes of its own that hold and are not heard
   * @throws MeridianError with an `ExclusiveErrorCode`, or an error of the store
   */
  async handOver(name: string, to: string, force: boolean): Promise<void> {
    const keeper = this.#keepers.get(name);
    if (!keeper) refuse('exclusive_unknown', `there is no exclusive set "${name}"`);
    const { bucket, clock, facts } = this.#options;
    if (!keeper.settings.regions.includes(to)) {
      const known = keeper.settings.regions.join(', ');
      refuse('exclusive_region', `"${to}" never becomes active for ${name}; it has: ${known}`);
    }
    if (!force && !facts(name).healthy(to)) {
      refuse('exclusive_unfit', `${to} is not healthy as this node sees it`);
    }
    await handOver(bucket, name, { to, force }, clock.wallMs(), keeper);
  }

  /** Tells all claims again. */
  publish(): void {
    for (const keeper of this.#all) keeper.publish();
  }

  /** Gives up what this node has, as far as the store can be reached, and ends. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + leavingMs;
    while (this.#all.some((keeper) => keeper.listed) && clock.monotonicMs() < untilMs) {
      this.#look();
      await new Promise<void>((resolve) => clock.after(20, resolve));
    }
    this.#ticking?.cancel();
    this.#watch.close();
    for (const keeper of this.#all) keeper.close();
  }

  get #all(): LeaseKeeper[] {
    return [...this.#keepers.values(), ...this.#departing];
  }

  #open(settings: LeaseSettings): LeaseKeeper {
    const { bucket, clock, region, node, facts, publish, onChange } = this.#options;
    const { name } = settings;
    return new LeaseKeeper({
      settings,
      region,
      node,
      bucket,
      clock,
      facts: () => {
        const known = facts(name);
        return this.#closing ? { ...known, leaving: true } : known;
      },
      publish: (claim) => publish(name, claim),
      onChange,
    });
  }

  async #follow(): Promise<void> {
    for await (const event of this.#watch) {
      if (event.type === 'caughtUp') continue;
      const { key, revision } = event;
      const value = event.type === 'put' ? event.value : undefined;
      for (const keeper of this.#all) {
        if (keeper.settings.name === key) keeper.observe(revision, value);
      }
    }
  }

  #tick(): void {
    this.#ticking = this.#options.clock.after(tickMs, () => this.#tick());
    this.#noteSleep();
    this.#look();
  }

  #look(): void {
    for (const keeper of this.#all) keeper.tick();
    for (const keeper of this.#departing) if (!keeper.listed) this.#departing.delete(keeper);
  }

  /** The monotonic clock stands still while the machine sleeps, and leases go on. */
  #noteSleep(): void {
    const { clock, bootMs = () => uptime() * 1_000 } = this.#options;
    const sinceBootMs = bootMs();
    this.#bootIsFine ||= sinceBootMs % 1_000 !== 0;
    const asleepMs = sinceBootMs - clock.monotonicMs();
    const before = this.#asleepMs ?? asleepMs;
    this.#asleepMs = asleepMs;
    if (asleepMs - before < (this.#bootIsFine ? suspendedMs : coarselySuspendedMs)) return;
    for (const keeper of this.#all) keeper.interrupted();
  }
}

/** Of a set that no region may be active for any more. */
const settingsOfNobody = {
  regions: [],
  leaseMs: 5_000,
  marginMs: 500,
  hold: false,
  prefer: 'holder',
} as const;
