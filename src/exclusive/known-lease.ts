import {
  encodeLease,
  type LeaseDocument,
  type LeaseEntry,
  mostNodes,
  type Terms,
  tokenOf,
} from './lease-document.ts';
import type { LeaseRules, LeaseSettings } from './lease-rules.ts';

/** That a node renews is seen by what its entry says that it follows; its hold may be taken from it. */
interface Sign {
  readonly follows: number | undefined;
  readonly hold: boolean;
  readonly sinceMs: number;
}

const never = Number.NEGATIVE_INFINITY;
/** Tokens that a store which was set back may have given, and this node not seen. */
const unseenTokens = 2 ** 20;

/**
 * What one node knows of a lease: the entry that it saw last, which of the nodes in it go on
 * renewing, and how high revisions and tokens ever were.
 *
 *   a higher revision, or written by who knew
 *   all that this node knows ─────────────────────▶ news
 *   a lower one, told by a watch ─────────────────▶ late: nothing
 *   a lower one, read from the leader after a
 *   conflict, or twice, a lease apart; the same ──▶ the store was set back, or made anew:
 *   one with another content                        who was active before may still be
 *
 * That the store was set back is a hint only, since a leader that is none any more answers from
 * the past: it makes a node wait, and a compare-and-set on the lower revision proves it.
 */
export class KnownLease {
  readonly #region: string;
  readonly #node: string;
  #other: string | undefined;
  #entry: LeaseEntry | undefined;
  #seenMs = never;
  #heardMs = never;
  #doubtedMs: number | undefined;
  readonly #signs = new Map<string, Sign>();
  #highestRevision = 0;
  #highestToken = 0;
  #restored = false;
  #settledMs = never;
  #heldBefore: readonly string[] = [];

  constructor(region: string, node: string) {
    this.#region = region;
    this.#node = node;
  }

  get entry(): LeaseEntry | undefined {
    return this.#entry;
  }

  get document(): LeaseDocument | undefined {
    return this.#entry?.document;
  }

  /** Those that may be active. */
  get nodes(): readonly string[] {
    return Object.keys(this.document?.nodes ?? {});
  }

  /** Those of them, but the own one, that go on without the store. */
  get holding(): string[] {
    const { holder, nodes } = this.document ?? {};
    const isOwn = (name: string) => holder === this.#region && name === this.#node;
    return this.nodes.filter((name) => nodes?.[name]?.hold && !isOwn(name));
  }

  /** What the entry says of the own node, where it says that it may be active. */
  get listed(): Terms | undefined {
    const { document } = this;
    if (document?.holder !== this.#region || !Object.hasOwn(document.nodes, this.#node)) {
      return undefined;
    }
    return document.nodes[this.#node];
  }

  /** The last region but the own one that was known to hold the lease, or is to have it. */
  get other(): string | undefined {
    return this.#other;
  }

  /** When the store last said that this is the entry, or that there is no newer one. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** Who was active before the store was set back is not any more by then, unless it holds. */
  get settledMs(): number {
    return this.#settledMs;
  }

  /** Nodes that held on before the store was set back, while nobody has written who knew of them. */
  get heldBefore(): readonly string[] {
    return this.#heldBefore;
  }

  isNews({ revision, document }: LeaseEntry): boolean {
    const known = this.#entry;
    if (!known || revision > known.revision) return true;
    const highest = document?.highest ?? 0;
    return highest >= known.revision && highest > (known.document?.highest ?? 0);
  }

  get highestRevision(): number {
    return this.#highestRevision;
  }

  /** After the store was set back: it says that its author knew no less than this node. */
  isByWhoKnew({ document }: LeaseEntry): boolean {
    return document?.highest !== undefined && document.highest >= this.#highestRevision;
  }

  /** The same, where the next one will be lower. */
  get highest(): number | undefined {
    return this.#highestRevision > (this.#entry?.revision ?? 0) ? this.#highestRevision : undefined;
  }

  /** Takes what is news; false: it is none. */
  hear(entry: LeaseEntry, atMs: number): boolean {
    if (!this.isNews(entry)) return false;
    if (entry.revision > this.#highestRevision || this.isByWhoKnew(entry)) {
      this.#restored = false;
      // Not by the word of an operator alone: claims of before end with their lease.
      if (entry.revision > this.#highestRevision) this.#settledMs = never;
      this.#heldBefore = [];
    }
    this.#take(entry, atMs);
    return true;
  }

  /** Whether what the leader says, and is no news, means that the store was set back. */
  isSetBack(entry: LeaseEntry, atMs: number, conflicted: boolean, leaseMs: number): boolean {
    const known = this.#entry;
    this.#heardMs = atMs;
    if (!known) return false;
    if (entry.revision === known.revision) {
      this.#doubtedMs = undefined;
      return textOf(entry) !== textOf(known);
    }
    this.#doubtedMs ??= atMs;
    return conflicted || atMs - this.#doubtedMs >= leaseMs;
  }

  /** By who was not active: this is what stands there now, and nobody goes by it before `settledMs`. */
  restore(entry: LeaseEntry, atMs: number, settledMs: number, heldBefore: readonly string[]): void {
    this.#restored = true;
    this.#settledMs = Math.max(settledMs, this.#settledMs);
    this.#heldBefore = [...new Set([...this.#heldBefore, ...heldBefore])];
    this.#take(entry, atMs);
  }

  /**
   * By who is active, so that what it knows is the latest: it will be written on that revision. But
   * siblings may be active by what they wrote there, who were started since.
   */
  follow({ revision, document: there }: LeaseEntry, atMs: number): void {
    const { document } = this;
    const token = this.#entry && tokenOf(this.#entry);
    const nodes = new Map(Object.entries(document?.nodes ?? {}));
    for (const [name, terms] of Object.entries(there?.nodes ?? {})) {
      if (there?.holder !== this.#region || name === this.#node) continue;
      const known = nodes.get(name);
      if (!known && nodes.size >= mostNodes) continue;
      const leaseMs = Math.max(terms.leaseMs, known?.leaseMs ?? 0);
      nodes.set(name, { ...terms, leaseMs, hold: terms.hold || known?.hold === true });
    }
    const merged = document && { ...document, token, nodes: Object.fromEntries(nodes) };
    this.#take({ revision, document: merged }, atMs);
  }

  /** When the lease is free by the own clock; `Infinity`: by nobody's clock. */
  freeMs({ takeoverMs }: LeaseRules, settings: LeaseSettings): number {
    // Nobody knows what stood there before: it may have been deleted by hand.
    if (!this.document) return takeoverMs(this.#seenMs, settings.leaseMs, settings);
    const terms = Object.values(this.document.nodes);
    if (terms.length === 0) return this.#seenMs;
    if (terms.some(({ hold }) => hold)) return Number.POSITIVE_INFINITY;
    return takeoverMs(this.#seenMs, Math.max(...terms.map(({ leaseMs }) => leaseMs)), settings);
  }

  /** Since when the node, which is in the entry, has not renewed. */
  silentSinceMs(node: string): number {
    return this.#signs.get(node)?.sinceMs ?? this.#seenMs;
  }

  /** The fencing token of a tenure that goes on; `undefined`: the revision of the write. */
  get token(): number | undefined {
    const token = this.#entry && tokenOf(this.#entry);
    const before = this.#restored ? this.#highestRevision : 0;
    const goesOn = token !== undefined && token >= Math.max(before, this.#highestToken);
    return goesOn ? token : this.nextToken;
  }

  /** That of one which begins: above all that were seen, and those that were not. */
  get nextToken(): number | undefined {
    const highest = Math.max(this.#highestRevision, this.#highestToken);
    if (!this.#entry || this.#entry.revision >= highest) return undefined;
    const before = tokenOf(this.#entry) ?? 0;
    return before >= highest ? before + 1 : highest + unseenTokens;
  }

  #take(entry: LeaseEntry, atMs: number): void {
    this.#entry = entry;
    const { holder, to } = entry.document ?? {};
    const next = this.nodes.length === 0 ? (to ?? holder) : holder;
    if (next !== undefined && next !== this.#region) this.#other = next;
    this.#seenMs = atMs;
    this.#heardMs = atMs;
    this.#doubtedMs = undefined;
    const { highest = 0 } = entry.document ?? {};
    this.#highestRevision = Math.max(this.#highestRevision, entry.revision, highest);
    this.#highestToken = Math.max(this.#highestToken, tokenOf(entry) ?? 0);
    const nodes = entry.document?.nodes ?? {};
    for (const name of this.#signs.keys())
      if (!Object.hasOwn(nodes, name)) this.#signs.delete(name);
    for (const [name, { follows, hold }] of Object.entries(nodes)) {
      const sign = this.#signs.get(name);
      if (sign && sign.follows === follows && sign.hold === hold) continue;
      this.#signs.set(name, { follows, hold, sinceMs: atMs });
    }
  }
}

const textOf = ({ document }: LeaseEntry): string =>
  document ? Buffer.from(encodeLease(document)).toString() : '';
