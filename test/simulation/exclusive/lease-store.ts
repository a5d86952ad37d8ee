import type { LeaseWrite, WriteResult } from '../../../src/exclusive/lease-action.ts';
import {
  type LeaseDocument,
  type LeaseEntry,
  parseLease,
} from '../../../src/exclusive/lease-document.ts';
import type { Scheduler } from '../scheduler.ts';
import { between } from '../seeded-random.ts';

/** How the way to the store is at the moment, for one region. */
export interface StoreWeather {
  /** Requests and answers that vanish. */
  loss: number;
  /** Longest time that one takes one way. */
  delayMs: number;
  cut: boolean;
}

/**
 * The key of one exclusive set on the hub: linearizable compare-and-set behind a network that
 * delays, loses and keeps back what it carries. A request whose answer does not come may have
 * been taken, or be taken many seconds later; a read may be answered by a leader that is none
 * any more.
 */
export class LeaseStore {
  readonly #scheduler: Scheduler;
  readonly #random: () => number;
  readonly #weather = new Map<string, StoreWeather>();
  readonly #entries: LeaseEntry[] = [{ revision: 0, document: undefined }];
  readonly #watchers = new Set<() => void>();
  /** No majority: nothing is taken, but what waits may be later. */
  down = false;
  /** A planted mistake: these kinds of writes ask for no revision. */
  blind: ReadonlySet<LeaseWrite['kind']> = new Set();
  /** A planted mistake: a node that gives up the lease does so for its siblings too. */
  forgetsSiblings = false;

  constructor(scheduler: Scheduler, random: () => number) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  get latest(): LeaseEntry {
    return this.#entries.at(-1)!;
  }

  weather(region: string): StoreWeather {
    let weather = this.#weather.get(region);
    if (!weather) {
      weather = { loss: 0, delayMs: between(this.#random, 2, 120), cut: false };
      this.#weather.set(region, weather);
    }
    return weather;
  }

  write(region: string, write: LeaseWrite, done: (result: WriteResult) => void): void {
    this.#carry(region, 8_000, () => {
      if (this.down) {
        if (this.#random() < 0.3) this.#later(() => this.#take(write));
        return;
      }
      const result = this.#take(write);
      this.#carry(region, 4_000, () => done(result));
    });
  }

  read(region: string, done: (entry: LeaseEntry) => void): void {
    this.#carry(region, 2_000, () => {
      if (this.down) return;
      const back = this.#random() < 0.15 ? Math.floor(this.#random() * 4) : 0;
      const entry = this.#entries[Math.max(0, this.#entries.length - 1 - back)]!;
      this.#carry(region, 2_000, () => done(entry));
    });
  }

  /** Tells of what is newest: soon, late, or with the next write. */
  watch(region: string, told: (entry: LeaseEntry) => void): { close(): void } {
    const tell = () => this.#carry(region, 6_000, () => told(this.latest));
    this.#watchers.add(tell);
    tell();
    return { close: () => void this.#watchers.delete(tell) };
  }

  #take(write: LeaseWrite): WriteResult {
    const { revision } = this.latest;
    if (!this.blind.has(write.kind) && write.expectedRevision !== revision) {
      return { kind: 'conflict' };
    }
    const isForgotten = this.forgetsSiblings && write.kind === 'release';
    const document = isForgotten ? { ...write.document, nodes: {} } : write.document;
    return { kind: 'confirmed', revision: this.#append(document) };
  }

  /** An operator wishes it to be handed over. */
  ask(to: string): void {
    const { revision, document } = this.latest;
    if (document) this.#append({ ...document, token: document.token ?? revision, to });
  }

  #append(document: LeaseDocument): number {
    const revision = this.latest.revision + 1;
    this.#entries.push({ revision, document: throughBytes(document) });
    for (const tell of this.#watchers) tell();
    return revision;
  }

  #later(run: () => void): void {
    this.#scheduler.after(between(this.#random, 0, 12_000), run);
  }

  /** One way. Now and then something is kept back for long. */
  #carry(region: string, latestMs: number, arrive: () => void): void {
    const { loss, delayMs, cut } = this.weather(region);
    if (cut || this.#random() < loss) return;
    const isLate = loss > 0 && this.#random() < 0.1;
    this.#scheduler.after(between(this.#random, 1, isLate ? latestMs : delayMs), arrive);
  }
}

const throughBytes = (document: LeaseDocument): LeaseDocument | undefined =>
  parseLease(Buffer.from(JSON.stringify({ version: 1, ...document })));
