import { type Wish, wished } from '../../../src/exclusive/hand-over.ts';
import type { LeaseWrite, WriteResult } from '../../../src/exclusive/lease-action.ts';
import {
  type LeaseDocument,
  type LeaseEntry,
  parseLease,
} from '../../../src/exclusive/lease-document.ts';
import type { Scheduler } from '../scheduler.ts';
import { between } from '../seeded-random.ts';

const mostHistories = 64;

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
  #history = 0;
  /** No majority: nothing is taken, but what waits may be later. */
  down = false;
  /** A planted mistake: these kinds of writes ask for no revision. */
  blind: ReadonlySet<LeaseWrite['kind']> = new Set();
  /** A planted mistake: a node that renews leaves out siblings, which hold, for dead. */
  forgetsHolders = false;
  /** A planted mistake: the token is the revision, whatever it was before. */
  ownTokens = false;
  /** A planted mistake: a node that gives up the lease does so for its siblings too. */
  forgetsSiblings = false;

  constructor(scheduler: Scheduler, random: () => number) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  /** Every entry that there is, the oldest first. */
  get entries(): readonly LeaseEntry[] {
    return this.#entries;
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

  /** To an older entry, as from a backup; what is under way ends with its connection. */
  restore(entry: LeaseEntry): void {
    this.#history++;
    this.#entries.splice(this.#entries.indexOf(entry) + 1);
  }

  /** Nothing stands there, nor ever did. */
  empty(): void {
    this.#history++;
    this.#entries.splice(0, this.#entries.length, { revision: 0, document: undefined });
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
    return { kind: 'confirmed', revision: this.#append(this.#spoil(write)) };
  }

  #spoil({ kind, document, expectedRevision }: LeaseWrite): LeaseDocument {
    if (this.forgetsSiblings && kind === 'release') return { ...document, nodes: {} };
    if (this.ownTokens && kind === 'acquire') return { ...document, token: undefined };
    if (!this.forgetsHolders || kind !== 'renew') return document;
    const nodes = Object.entries(document.nodes).filter(
      ([, { hold, follows }]) => !hold || follows === expectedRevision,
    );
    return { ...document, nodes: Object.fromEntries(nodes) };
  }

  /** What an operator wants; `silent`: nodes that hold and are known to have stopped. */
  ask(wish: Wish, silent: readonly string[] = [], highestRevision = 0): void {
    const { revision, document } = this.latest;
    const next = document && wished({ revision, document }, wish, { silent, highestRevision });
    if (next) this.#append(next);
  }

  /** No revision is that of another history. */
  #append(document: LeaseDocument): number {
    const before = Math.floor(this.latest.revision / mostHistories);
    const revision = (before + 1) * mostHistories + this.#history;
    this.#entries.push({ revision, document: throughBytes(document) });
    for (const tell of this.#watchers) tell();
    return revision;
  }

  #later(run: () => void): void {
    const history = this.#history;
    this.#scheduler.after(between(this.#random, 0, 12_000), () => {
      if (history === this.#history) run();
    });
  }

  /** One way. Now and then something is kept back for long. */
  #carry(region: string, latestMs: number, arrive: () => void): void {
    const { loss, delayMs, cut } = this.weather(region);
    if (cut || this.#random() < loss) return;
    const isLate = loss > 0 && this.#random() < 0.1;
    const history = this.#history;
    this.#scheduler.after(between(this.#random, 1, isLate ? latestMs : delayMs), () => {
      if (history === this.#history) arrive();
    });
  }
}

const throughBytes = (document: LeaseDocument): LeaseDocument | undefined =>
  parseLease(Buffer.from(JSON.stringify({ version: 1, ...document })));
