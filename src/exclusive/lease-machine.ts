import { type LeaseDocument, type LeaseEntry, type Terms, tokenOf } from './lease-document.ts';
import { type Facts, type LeaseRules, type LeaseSettings, leaseRules } from './lease-rules.ts';

export interface LeaseMachineOptions {
  readonly settings: LeaseSettings;
  /** The own region and node. */
  readonly region: string;
  readonly node: string;
  readonly rules?: LeaseRules;
}

/** What a machine wants of the store; one at a time, and answered by `wrote` or `read`. */
export type LeaseAction =
  | { readonly kind: 'read' }
  | {
      readonly kind: 'acquire' | 'renew' | 'release';
      readonly document: LeaseDocument;
      /** The write holds only where this is the revision of the key; 0: it was never written. */
      readonly expectedRevision: number;
    };

/** `conflict`: another revision stands there. `unknown`: it may have been written. */
export type WriteResult =
  | { readonly kind: 'confirmed'; readonly revision: number }
  | { readonly kind: 'conflict' | 'unknown' };

interface Known extends LeaseEntry {
  /** Monotonic time at which this node first saw it. */
  readonly seenMs: number;
}

interface Writing {
  readonly action: Exclude<LeaseAction, { kind: 'read' }>;
  readonly sentMs: number;
}

/** The first region has been fit for so long before it gets the set back (`prefer: first`). */
const settledMs = 30_000;
const never = Number.NEGATIVE_INFINITY;

/**
 * The lease of one exclusive set as one node sees it, without I/O: what the store says, what
 * became of writes, health and the time go in; what to ask of the store comes out.
 *
 *               free, healthy by quorum,               a renewal confirmed
 *               the write confirmed                       ┌──────┐
 *   ┌─────────┐ ─────────────────────────────▶ ┌────────┐ │
 *   │ passive │                                │ active │ ◀┘
 *   └─────────┘ ◀───────────────────────────── └────────┘
 *               its end is reached by the own clock; another entry seen;
 *               before it asks to be released
 *
 * Every node of the holding region renews for itself: the claim of each ends a lease, less the
 * margin, after it *sent* the last write that was confirmed. Siblings share the tenure and
 * its token. Whether it is active is asked at each use (`activeAt`), never told by a timer, so
 * a process that stood still finds its end passed.
 */
export class LeaseMachine {
  readonly region: string;
  readonly #node: string;
  readonly #rules: LeaseRules;
  #settings: LeaseSettings;
  #known: Known | undefined;
  #untilMs = never;
  #token = 0;
  #writing: Writing | undefined;
  #reading = false;
  #mustRead = true;
  /** Nothing is asked of the store before this. */
  #restUntilMs = never;
  #renewedMs = never;
  #other: string | undefined;
  /** Since when the first region has been healthy without a break. */
  #firstFitMs: number | undefined;
  #waitingFor = 'nothing is known of the lease yet';

  constructor({ settings, region, node, rules = leaseRules }: LeaseMachineOptions) {
    this.#settings = settings;
    this.region = region;
    this.#node = node;
    this.#rules = rules;
  }

  get settings(): LeaseSettings {
    return this.#settings;
  }

  /** The own claim ends then; `Infinity`: it holds. */
  get untilMs(): number {
    return this.#untilMs;
  }

  activeAt(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** Of the last tenure of the own region that this node was active in; 0: none. */
  get token(): number {
    return this.#token;
  }

  /** What was seen last. */
  get entry(): LeaseEntry | undefined {
    return this.#known;
  }

  get document(): LeaseDocument | undefined {
    return this.#known?.document;
  }

  /** The last region but the own one that was known to hold the lease, or is to have it. */
  get other(): string | undefined {
    return this.#other;
  }

  /** Why this node is what it is, for people. */
  reasonAt(nowMs: number): string {
    return this.activeAt(nowMs) ? 'holds the lease' : this.#waitingFor;
  }

  /** A claim that was confirmed ends no later than the new terms say, once they are written. */
  reconfigure(settings: LeaseSettings): void {
    this.#settings = settings;
    if (!settings.regions.includes(this.region))
      this.#stop('the region is none of those that may be active');
  }

  /** The store was seen to hold this; older than what is known: nothing happens. */
  observe(entry: LeaseEntry, atMs: number): void {
    if (this.#known && entry.revision <= this.#known.revision) return;
    this.#known = { ...entry, seenMs: atMs };
    this.#mustRead = false;
    const { document } = entry;
    if (document) {
      const next = this.#nodes.length === 0 ? (document.to ?? document.holder) : document.holder;
      if (next !== this.region) this.#other = next;
    }
    // Others count only the nodes that are in it.
    if (!this.#isListed) this.#stop('another entry stands in the store');
  }

  /** A read ended: with what it found, or `undefined` when it failed. */
  read(entry: LeaseEntry | undefined, atMs: number): void {
    this.#reading = false;
    this.#mustRead = false;
    if (entry) this.observe(entry, atMs);
    else this.#rest(atMs);
  }

  /** The write that `tick` asked for ended. */
  wrote(result: WriteResult, atMs: number): void {
    const writing = this.#writing;
    if (!writing) return;
    this.#writing = undefined;
    if (result.kind === 'confirmed') this.#confirmed(writing, result.revision, atMs);
    else {
      this.#mustRead = result.kind === 'conflict';
      if (result.kind === 'unknown' || writing.action.kind === 'acquire') this.#rest(atMs);
    }
  }

  #confirmed({ action, sentMs }: Writing, revision: number, atMs: number): void {
    this.observe({ revision, document: action.document }, atMs);
    if (action.kind === 'release') return;
    this.#renewedMs = sentMs;
    // What was written after it, and seen before this, may be the end of it.
    if (!this.#isListed || !this.#known) return;
    this.#token = tokenOf(this.#known) ?? 0;
    // Others go by the terms that were written, until they see new ones.
    const written = action.document.nodes[this.#node] ?? this.#terms;
    this.#untilMs = Math.min(
      this.#rules.endMs(sentMs, { ...this.#settings, ...written }),
      this.#rules.endMs(sentMs, this.#settings),
    );
  }

  /** The process, or the whole machine, stood still in a way that its clock may not show. */
  interrupted(): void {
    this.#stop('the machine was suspended');
    if (this.#writing) this.#writing = { ...this.#writing, sentMs: never };
  }

  /** To be called often. What it asks for must be done at once: times count from here. */
  tick(atMs: number, facts: Facts): LeaseAction | undefined {
    this.#observeFirst(atMs, facts);
    if (this.#writing || this.#reading || atMs < this.#restUntilMs) return undefined;
    if (this.#mustRead || !this.#known) {
      this.#reading = true;
      return { kind: 'read' };
    }
    const action = this.#decide(this.#known, atMs, facts);
    if (!action) return undefined;
    this.#writing = { action, sentMs: atMs };
    if (action.kind === 'release') this.#stop('it was given up');
    // Others go by the new terms from the moment that they are written, confirmed or not.
    else this.#untilMs = Math.min(this.#untilMs, this.#rules.endMs(atMs, this.#settings));
    return action;
  }

  #decide(known: Known, atMs: number, facts: Facts): Writing['action'] | undefined {
    const { document } = known;
    if (document?.holder === this.region && this.#nodes.length > 0) {
      return this.#asHolder(known, document, atMs, facts);
    }
    return this.#asOther(known, atMs, facts);
  }

  #asHolder(
    known: Known,
    document: LeaseDocument,
    atMs: number,
    facts: Facts,
  ): Writing['action'] | undefined {
    const { nodes } = document;
    const to = this.#successor(document, atMs, facts);
    const token = tokenOf(known);
    const expectedRevision = known.revision;
    if (to !== undefined || facts.leaving || !this.#isCandidate) {
      if (!this.#isListed) return this.#wait('it is being given up');
      const { [this.#node]: _, ...others } = nodes;
      const next = to ?? (Object.keys(others).length === 0 ? this.#successorOf(facts) : undefined);
      return {
        kind: 'release',
        document: { ...document, token, nodes: others, to: next },
        expectedRevision,
      };
    }
    const isYoung = atMs < this.#renewedMs + this.#settings.leaseMs / 3;
    if (this.activeAt(atMs) && isYoung && this.#keepsTo(nodes[this.#node])) return undefined;
    const all = { ...nodes, [this.#node]: this.#terms };
    return {
      kind: 'renew',
      document: { ...document, token, nodes: all, to: undefined },
      expectedRevision,
    };
  }

  #asOther(known: Known, atMs: number, facts: Facts): Writing['action'] | undefined {
    if (!this.#isCandidate) return this.#wait('the region is none of those that may be active');
    const freeMs = this.#freeMs(known);
    if (freeMs === Number.POSITIVE_INFINITY) {
      return this.#wait('the holder holds on until it gives up the lease itself');
    }
    if (atMs < freeMs)
      return this.#wait(`${known.document?.holder ?? 'somebody'} may hold the lease`);
    if (!this.#rules.mayPromote(facts)) return this.#wait('not healthy by quorum, or leaving');
    const before = this.#before(known, facts);
    if (before !== undefined && atMs < freeMs + this.#settings.leaseMs) {
      return this.#wait(`${before} comes first`);
    }
    const document = {
      holder: this.region,
      token: undefined,
      since: Math.max(0, Math.floor(facts.wallMs)),
      nodes: { [this.#node]: this.#terms },
      to: undefined,
    };
    return { kind: 'acquire', document, expectedRevision: known.revision };
  }

  /** When the lease is free by the own clock; `Infinity`: by nobody's clock. */
  #freeMs({ document, seenMs }: Known): number {
    // Nobody knows what stood there before: it may have been deleted by hand.
    if (!document) return this.#rules.takeoverMs(seenMs, this.#settings.leaseMs, this.#settings);
    const terms = Object.values(document.nodes);
    if (terms.length === 0) return seenMs;
    if (terms.some(({ hold }) => hold)) return Number.POSITIVE_INFINITY;
    const leaseMs = Math.max(...terms.map((one) => one.leaseMs));
    return this.#rules.takeoverMs(seenMs, leaseMs, this.#settings);
  }

  /** Who has the right of way before the own region. It has it for a lease only. */
  #before({ document }: Known, { healthy }: Facts): string | undefined {
    const { regions } = this.#settings;
    const to = document?.to;
    if (to === this.region) return undefined;
    if (to !== undefined && regions.includes(to)) return to;
    const earlier = regions.slice(0, regions.indexOf(this.region));
    return earlier.find((region) => region !== document?.holder && healthy(region));
  }

  /** To whom the lease is to be handed over now. */
  #successor({ to }: LeaseDocument, atMs: number, facts: Facts): string | undefined {
    if (to !== undefined && this.#isOther(to) && facts.healthy(to)) return to;
    if (facts.failing) return this.#successorOf(facts);
    const [first] = this.#settings.regions;
    const isSettled = this.#firstFitMs !== undefined && atMs - this.#firstFitMs >= settledMs;
    return isSettled && first !== undefined && this.#isOther(first) ? first : undefined;
  }

  #successorOf({ healthy }: Facts): string | undefined {
    return this.#settings.regions.find((region) => this.#isOther(region) && healthy(region));
  }

  #isOther(region: string): boolean {
    return region !== this.region && this.#settings.regions.includes(region);
  }

  #observeFirst(atMs: number, { healthy }: Facts): void {
    const { prefer, regions } = this.#settings;
    const isFit = prefer === 'first' && regions[0] !== undefined && healthy(regions[0]);
    this.#firstFitMs = isFit ? (this.#firstFitMs ?? atMs) : undefined;
  }

  #wait(reason: string): undefined {
    this.#waitingFor = reason;
    return undefined;
  }

  #stop(reason: string): void {
    if (this.#untilMs !== never) this.#waitingFor = reason;
    this.#untilMs = never;
  }

  #rest(atMs: number): void {
    this.#restUntilMs = atMs + Math.min(500, this.#settings.leaseMs / 20);
  }

  get #terms(): Terms {
    const { leaseMs, hold } = this.#settings;
    return { leaseMs, hold };
  }

  #keepsTo(written: Terms | undefined): boolean {
    const { leaseMs, hold } = this.#settings;
    return written?.leaseMs === leaseMs && written.hold === hold;
  }

  get #nodes(): readonly string[] {
    return Object.keys(this.document?.nodes ?? {});
  }

  get #isListed(): boolean {
    const { document } = this;
    return document?.holder === this.region && Object.hasOwn(document.nodes, this.#node);
  }

  get #isCandidate(): boolean {
    return this.#settings.regions.includes(this.region);
  }
}
