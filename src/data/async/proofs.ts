import type { Canary } from './canary.ts';
import { Lag } from './lag.ts';
import { Told } from './told.ts';

export interface ProofsOptions {
  readonly region: string;
  /** The other regions that hold the bucket. */
  readonly others: readonly string[];
  readonly node: string;
}

/** A canary that a node on duty is about to store. */
export interface Made {
  readonly canary: Canary & { readonly id: string };
  readonly madeAtMs: number;
}

/**
 * Up to which moment a node knows that its region's log has all that other regions
 * acknowledged: by its own work while it is on duty (`lag.ts`), and by what the node on duty
 * tells (`told.ts`). Both are true whoever is on duty, so the better one counts. Pure; times
 * are monotonic milliseconds of the node.
 */
export class Proofs {
  readonly #options: ProofsOptions;
  readonly #told = new Told();
  #lags: ReadonlyMap<string, Lag> | undefined;
  /** The newest canary in the own log, and since when this node knows that it was stored. */
  #newest: { readonly sequence: number; readonly sinceMs: number } | undefined;
  #epoch: string | undefined;

  constructor(options: ProofsOptions) {
    this.#options = options;
  }

  /** Of the own log, when it was looked at. In another one than before nothing is known to be. */
  epochIs(epoch: string): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#newest = undefined;
    this.#told.forget();
    for (const lag of this.#lags?.values() ?? []) lag.forget();
  }

  startDuty(): void {
    this.#lags = new Map(this.#options.others.map((other) => [other, new Lag()]));
  }

  endDuty(): void {
    this.#lags = undefined;
  }

  /** The newest canary in the own log, or none (0), by a read that began at `startedAtMs`. */
  read(sequence: number, canary: Canary | undefined, startedAtMs: number, nowMs: number): void {
    const own = canary?.epoch === this.#epoch ? canary : undefined;
    this.#told.read(sequence, own, startedAtMs, nowMs);
    if (sequence === this.#newest?.sequence) return;
    this.#newest = { sequence, sinceMs: nowMs };
  }

  /** A canary that is to be stored only if the newest one has that sequence, which was read. */
  make(place: Pick<Canary, 'number' | 'epoch'>, after: number, id: string, nowMs: number): Made {
    const { node } = this.#options;
    const sinceMs = this.#newest?.sequence === after ? this.#newest.sinceMs : nowMs;
    const canary = {
      ...place,
      id,
      node,
      previous: { sequence: after, knownMs: Math.floor(nowMs - sinceMs) },
      echoes: known(this.#lags ?? new Map<string, Lag>(), (lag) => lag.echo(nowMs)),
      agesMs: this.agesMs(nowMs),
    };
    return { canary, madeAtMs: nowMs };
  }

  stored({ canary, madeAtMs }: Made, sequence: number, nowMs: number): void {
    this.#newest = { sequence, sinceMs: nowMs };
    for (const lag of this.#lags?.values() ?? []) lag.sent(canary.id, madeAtMs);
  }

  /** A canary of another region came. */
  heard(from: string, canary: Canary, nowMs: number): void {
    this.#lags?.get(from)?.heard(canary, nowMs);
  }

  /** All that the other region had stored before it is in the own log. */
  complete(from: string, canary: Canary, nowMs: number): void {
    this.#lags?.get(from)?.complete(canary, this.#options.region, nowMs);
  }

  /** `undefined`: not known. */
  throughMs(other: string): number | undefined {
    const own = this.#lags?.get(other)?.throughMs;
    const told = this.#told.throughMs.get(other);
    return own === undefined || told === undefined ? (own ?? told) : Math.max(own, told);
  }

  /** By region; those are missing of which it is not known. */
  agesMs(nowMs: number): Map<string, number> {
    const { others } = this.#options;
    return known(new Map(others.map((other) => [other, this.throughMs(other)])), (throughMs) =>
      throughMs === undefined ? undefined : Math.ceil(Math.max(0, nowMs - throughMs)),
    );
  }
}

function known<T, U>(
  items: ReadonlyMap<string, T>,
  of: (item: T) => U | undefined,
): Map<string, U> {
  const found = new Map<string, U>();
  for (const [name, item] of items) {
    const value = of(item);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}
