import { KnownLease } from './known-lease.ts';
import type { LeaseAction, LeaseWrite, WriteResult } from './lease-action.ts';
import {
  type LeaseDocument,
  type LeaseEntry,
  mostNodes,
  type Terms,
  tokenOf,
} from './lease-document.ts';
import { type Facts, type LeaseRules, type LeaseSettings, leaseRules } from './lease-rules.ts';
import { Succession } from './succession.ts';

export interface LeaseMachineOptions {
  readonly settings: LeaseSettings;
  /** The own region and node. */
  readonly region: string;
  readonly node: string;
  readonly rules?: LeaseRules;
}

interface Writing {
  readonly action: LeaseWrite;
  readonly sentMs: number;
}

const mostAccidents = 3;
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
 *               before it asks to be released; the store was set back to another holder
 *
 * Every node of the holding region renews for itself: the claim of each ends a lease, less the
 * margin, after it *sent* the last write that was confirmed. Siblings share the tenure and
 * its token. Whether it is active is asked at each use (`activeAt`), never told by a timer, so
 * a process that stood still finds its end passed.
 *
 * A node that holds keeps the others out until it says otherwise, also where it is dead. So
 * nobody lets go of a lease while a sibling holds, or no region would be active:
 *
 *   holds ── asked to hand over, siblings hold ──▶ yields: a lease only ── none holds ──▶ lets go
 *     ◀────────────── one of those is heard no more, or nobody wants it ─────┘
 */
export class LeaseMachine {
  readonly region: string;
  readonly #node: string;
  readonly #rules: LeaseRules;
  readonly #succession: Succession;
  #settings: LeaseSettings;
  readonly #known: KnownLease;
  #untilMs = never;
  #token = 0;
  #writing: Writing | undefined;
  #reading = false;
  #mustRead = true;
  /** Writes in a row that found another revision. */
  #conflicts = 0;
  /** Nothing is asked of the store before this. */
  #restUntilMs = never;
  #renewedMs = never;
  #waitingFor = 'nothing is known of the lease yet';
  /** Why it was not handed over. */
  #heldUp: string | undefined;

  constructor({ settings, region, node, rules = leaseRules }: LeaseMachineOptions) {
    this.#settings = settings;
    this.region = region;
    this.#node = node;
    this.#rules = rules;
    this.#known = new KnownLease(region, node);
    this.#succession = new Succession(region);
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

  /** That was ever seen. */
  get highestRevision(): number {
    return this.#known.highestRevision;
  }

  /** What was seen last. */
  get entry(): LeaseEntry | undefined {
    return this.#known.entry;
  }

  get document(): LeaseDocument | undefined {
    return this.#known.document;
  }

  /** The last region but the own one that was known to hold the lease, or is to have it. */
  get other(): string | undefined {
    return this.#known.other;
  }

  /** Why this node is what it is, for people. */
  reasonAt(nowMs: number): string {
    if (!this.activeAt(nowMs)) return this.#waitingFor;
    return this.#heldUp === undefined ? 'holds the lease' : `holds the lease; ${this.#heldUp}`;
  }

  /** Other nodes of the holder that hold, and are heard no more: nobody else can be active. */
  silentHolders(nowMs: number): string[] {
    return this.#known.holding.filter((name) => this.#isSilent(name, nowMs));
  }

  /** A claim that was confirmed ends no later than the new terms say, once they are written. */
  reconfigure(settings: LeaseSettings): void {
    this.#settings = settings;
    if (!settings.regions.includes(this.region))
      this.#stop('the region is none of those that may be active');
  }

  /** The store was seen to hold this; older than what is known: nothing happens. */
  observe(entry: LeaseEntry, atMs: number): void {
    // Of a tenure before the own, which is not over, and by who did not know of the own one.
    const isPast =
      this.activeAt(atMs) &&
      (tokenOf(entry) ?? this.#token) < this.#token &&
      !this.#known.isByWhoKnew(entry);
    if (isPast && this.#known.isNews(entry)) this.#believe(entry, atMs);
    else if (this.#known.hear(entry, atMs)) this.#heard(entry);
  }

  #heard(entry: LeaseEntry): void {
    this.#mustRead = false;
    const own = this.#known.listed;
    // Others count only the nodes that are in it, and by the terms in it.
    if (!own) this.#stop('another entry stands in the store');
    else if (!own.hold)
      this.#endBy(this.#rules.endMs(this.#renewedMs, { ...this.#settings, ...own }));
    if (own && this.#untilMs !== never) this.#token = Math.max(this.#token, tokenOf(entry) ?? 0);
  }

  /** A read ended: with what it found, or `undefined` when it failed. */
  read(entry: LeaseEntry | undefined, atMs: number): void {
    this.#reading = false;
    if (!entry) {
      this.#rest(atMs);
      return;
    }
    const conflicted = this.#mustRead;
    this.#mustRead = false;
    if (this.#known.isNews(entry)) this.observe(entry, atMs);
    else if (this.#known.isSetBack(entry, atMs, conflicted, this.#settings.leaseMs)) {
      this.#believe(entry, atMs);
    }
  }

  /**
   * The store was set back. Who is active knows better than the store, since nobody can have
   * taken over before, unless another region stands there: its nodes may be active by that.
   */
  #believe(entry: LeaseEntry, atMs: number): void {
    const { holder, nodes = {} } = entry.document ?? {};
    const isOthers = Object.keys(nodes).length > 0 && holder !== this.region;
    if (this.activeAt(atMs) && !isOthers) {
      this.#known.follow(entry, atMs);
      return;
    }
    const before = Object.values(this.document?.nodes ?? {});
    const leaseMs = Math.max(0, ...before.map((terms) => terms.leaseMs));
    const settledMs = this.#rules.settledMs(atMs, leaseMs, this.#settings);
    // Of the others what stands there now speaks.
    const isSame = holder === this.document?.holder;
    const untold = this.#known.holding.filter((name) => !(isSame && nodes[name]?.hold));
    this.#known.restore(entry, atMs, settledMs, untold);
    this.#stop('the store was set back');
  }

  /** The write that `tick` asked for ended. */
  wrote(result: WriteResult, atMs: number): void {
    const writing = this.#writing;
    if (!writing) return;
    this.#writing = undefined;
    if (result.kind === 'confirmed') this.#confirmed(writing, result.revision, atMs);
    else if (result.kind === 'unknown') this.#rest(atMs);
    else {
      // Unless what came before it was heard of meanwhile.
      this.#mustRead ||= this.entry?.revision === writing.action.expectedRevision;
      this.#conflicts++;
      // Siblings write at the same time now and then; more than that is no accident.
      const accidents = writing.action.kind === 'acquire' ? 0 : mostAccidents;
      if (this.#conflicts > accidents) this.#rest(atMs, Math.min(this.#conflicts - accidents, 4));
    }
  }

  #confirmed({ action, sentMs }: Writing, revision: number, atMs: number): void {
    this.#conflicts = 0;
    this.observe({ revision, document: action.document }, atMs);
    if (action.kind === 'release') return;
    this.#renewedMs = sentMs;
    // What was written after it, and seen before this, may be the end of it.
    if (!this.#known.listed || !this.entry) return;
    // It was sent before a sleep: in that time anything may have become of it, also where it holds.
    if (sentMs === never) return;
    this.#token = tokenOf(this.entry) ?? 0;
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
    this.#succession.look(this.#settings, atMs, facts);
    if (this.#writing || this.#reading || atMs < this.#restUntilMs) return undefined;
    const { entry } = this;
    // What was long not heard of is asked for before it is gone by.
    const isOld = atMs >= this.#known.heardMs + this.#settings.leaseMs;
    if (this.#mustRead || !entry || isOld) {
      this.#reading = true;
      return { kind: 'read' };
    }
    const action = this.#decide(entry, atMs, facts);
    if (!action) return undefined;
    this.#writing = { action, sentMs: atMs };
    if (action.kind === 'release') this.#stop('it was given up');
    // Others go by the new terms from the moment that they are written, confirmed or not.
    else {
      const written = { ...this.#settings, ...action.document.nodes[this.#node] };
      this.#endBy(this.#rules.endMs(atMs, this.#settings));
      this.#endBy(this.#rules.endMs(atMs, written));
    }
    return action;
  }

  #decide(entry: LeaseEntry, atMs: number, facts: Facts): LeaseWrite | undefined {
    const { document } = entry;
    if (!this.activeAt(atMs) && atMs < this.#known.settledMs) {
      return this.#wait('the store was set back: who was active before may still be');
    }
    if (this.#known.heldBefore.length > 0) {
      return this.#wait(`the store was set back, and ${holds(this.#known.heldBefore)} before`);
    }
    if (document?.holder === this.region && this.#known.nodes.length > 0) {
      return this.#asHolder(entry, document, atMs, facts);
    }
    return this.#asOther(entry, atMs, facts);
  }

  #asHolder(
    { revision: expectedRevision }: LeaseEntry,
    document: LeaseDocument,
    atMs: number,
    facts: Facts,
  ): LeaseWrite | undefined {
    const { nodes } = document;
    const { token, highest } = this.#known;
    const to = this.#successor(document, atMs, facts);
    const leaves = facts.leaving || !this.#isCandidate;
    const others = this.#othersIn(nodes, atMs);
    const isLast = Object.keys(others).length === 0;
    if (leaves || (to !== undefined && this.#rules.mayLetGo(this.#known.holding.length))) {
      if (!this.#known.listed) return this.#wait('it is being given up');
      const own = tokenOf({ revision: expectedRevision, document });
      const next = to ?? (isLast ? this.#succession.heir(this.#settings, facts) : undefined);
      return {
        kind: 'release',
        document: { ...document, token: own, nodes: others, to: next, highest },
        expectedRevision,
      };
    }
    const terms = { ...this.#terms, hold: this.#settings.hold && to === undefined };
    const isYoung = atMs < this.#renewedMs + this.#settings.leaseMs / 3;
    const isTold = to === undefined || document.to === to;
    if (this.activeAt(atMs) && isYoung && isTold && this.#keepsTo(terms)) return undefined;
    if (!this.#known.listed && Object.keys(others).length >= mostNodes) {
      return this.#wait(`${mostNodes} nodes stand in the entry, and it has room for no more`);
    }
    const all = { ...others, [this.#node]: { ...terms, follows: expectedRevision } };
    const since = token === document.token ? document.since : sinceOf(facts);
    return {
      kind: 'renew',
      document: { ...document, token, since, nodes: all, to, highest },
      expectedRevision,
    };
  }

  /** Siblings, but for those whose leases are over: these may be left out. */
  #othersIn(nodes: LeaseDocument['nodes'], atMs: number): Record<string, Terms> {
    const others = Object.entries(nodes).filter(
      ([name, { hold }]) => name !== this.#node && (hold || !this.#isSilent(name, atMs)),
    );
    return Object.fromEntries(others);
  }

  #asOther(known: LeaseEntry, atMs: number, facts: Facts): LeaseWrite | undefined {
    if (!this.#isCandidate) return this.#wait('the region is none of those that may be active');
    const freeMs = this.#known.freeMs(this.#rules, this.#settings);
    if (freeMs === Number.POSITIVE_INFINITY) {
      const who = `${holds(this.#known.holding)}, of ${known.document?.holder}`;
      return this.#wait(`${who}: nobody else is active before it lets go`);
    }
    if (atMs < freeMs)
      return this.#wait(`${known.document?.holder ?? 'somebody'} may hold the lease`);
    if (!this.#rules.mayPromote(facts)) return this.#wait('not healthy by quorum, or leaving');
    const before = this.#succession.before(this.#settings, known.document, facts);
    if (before !== undefined && atMs < freeMs + this.#settings.leaseMs) {
      return this.#wait(`${before} comes first`);
    }
    const document = {
      holder: this.region,
      token: this.#known.nextToken,
      since: sinceOf(facts),
      nodes: { [this.#node]: { ...this.#terms, follows: known.revision } },
      to: undefined,
      highest: this.#known.highest,
    };
    return { kind: 'acquire', document, expectedRevision: known.revision };
  }

  /** To whom the lease is to be handed over now. While a node that holds is not heard: to nobody. */
  #successor(document: LeaseDocument, atMs: number, facts: Facts): string | undefined {
    const to = this.#succession.wanted(this.#settings, document, atMs, facts);
    const silent = this.silentHolders(atMs);
    if (silent.length === 0) this.#heldUp = undefined;
    else if (to !== undefined) this.#heldUp = `not handed over to ${to}: ${holds(silent)}, unheard`;
    return silent.length === 0 ? to : undefined;
  }

  #wait(reason: string): undefined {
    this.#waitingFor = reason;
    return undefined;
  }

  #stop(reason: string): void {
    if (this.#untilMs !== never) this.#waitingFor = reason;
    this.#untilMs = never;
  }

  #endBy(endMs: number): void {
    this.#untilMs = Math.min(this.#untilMs, endMs);
  }

  #rest(atMs: number, times = 1): void {
    this.#restUntilMs = atMs + times * Math.min(500, this.#settings.leaseMs / 20);
  }

  get #terms(): Terms {
    const { leaseMs, hold } = this.#settings;
    return { leaseMs, hold };
  }

  #keepsTo({ leaseMs, hold }: Terms): boolean {
    const written = this.#known.listed;
    const holds = this.#untilMs === Number.POSITIVE_INFINITY;
    return written?.leaseMs === leaseMs && written.hold === hold && holds === hold;
  }

  #isSilent(name: string, atMs: number): boolean {
    const { leaseMs = 0 } = this.document?.nodes[name] ?? {};
    const sinceMs = this.#known.silentSinceMs(name);
    return atMs >= this.#rules.silentMs(sinceMs, leaseMs, this.#settings);
  }

  get #isCandidate(): boolean {
    return this.#settings.regions.includes(this.region);
  }
}

/** `a1 holds on`, `a1 and a2 hold on`. */
function holds(names: readonly string[]): string {
  return `${names.join(' and ')} ${names.length === 1 ? 'holds' : 'hold'} on`;
}

const sinceOf = ({ wallMs }: Facts): number => Math.max(0, Math.floor(wallMs));
