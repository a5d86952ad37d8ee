import type { Verdict } from './hysteresis.ts';
import { majorityWord } from './service-state.ts';
import type { Vector } from './vector.ts';

interface NodeRecord {
  incarnation: number;
  sequence: number;
  /** Infinity for the own node, which is always fresh. */
  heardMs: number;
  fresh: boolean;
  draining: boolean;
  drainingNodes: readonly string[];
  verdicts: ReadonlyMap<string, Verdict>;
}

/** What one node says at one instant. */
export type Words = Pick<Vector, 'draining' | 'drainingNodes' | 'verdicts'>;

/** More nodes than this push to no one; a peer cannot make us keep more. */
const mostNodes = 64;
/** After this many freshness times of silence, an incarnation no longer shuts out lower ones. */
const forgetfulness = 10;

/**
 * One region as an observer: the newest vector of each of its nodes, and the word of the
 * region made from them. Of the own region, every node says what it sees itself; of another
 * region, one or two of its nodes say what most of that region sees.
 *
 *   node a  { incarnation, sequence, heard, verdicts } ─┐  majority of the
 *   node b  { … }                                      ─┼─▶ fresh nodes ─▶ words
 *   node c  { … stale … }                               ┘  per subject
 *
 * Methods that take something in return the subjects whose word changed by it.
 */
export class Vantage {
  readonly region: string;
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #words = new Map<string, Verdict>();
  /** The last word ever given, which decides a tie. */
  readonly #lastWords = new Map<string, Verdict>();
  #heardMs: number | undefined;
  #draining: boolean;
  #drainingNodes: readonly string[];

  constructor(region: string, draining = false, drainingNodes: readonly string[] = []) {
    this.region = region;
    this.#draining = draining;
    this.#drainingNodes = drainingNodes;
  }

  /** The region's word on a subject; `undefined` when no fresh node has one. */
  word(key: string): Verdict | undefined {
    return this.#words.get(key);
  }

  words(): ReadonlyMap<string, Verdict> {
    return this.#words;
  }

  /** True while every fresh node says so; as before while none is fresh. */
  get draining(): boolean {
    return this.#draining;
  }

  /**
   * Nodes that some fresh node says are draining, in order of name; as before while none is
   * fresh. Replaced when it changes.
   */
  get drainingNodes(): readonly string[] {
    return this.#drainingNodes;
  }

  /** Nodes heard since, the own one included. */
  nodesHeardSince(sinceMs: number): string[] {
    return [...this.#nodes].flatMap(([name, { heardMs }]) => (heardMs >= sinceMs ? [name] : []));
  }

  /** Monotonic time of the last vector from elsewhere. */
  get heardMs(): number | undefined {
    return this.#heardMs;
  }

  get fresh(): boolean {
    for (const node of this.#nodes.values()) if (node.fresh) return true;
    return false;
  }

  /**
   * Takes a vector in when it is newer than the last of its node. A lower incarnation is an
   * older process whose messages were delayed; only after long silence it is one whose clock
   * was set back while its disk was lost.
   */
  receive(vector: Vector, atMs: number, freshnessMs: number): readonly string[] {
    const known = this.#nodes.get(vector.node);
    if (known) {
      const forgotten = atMs - known.heardMs > forgetfulness * freshnessMs;
      const newer =
        vector.incarnation === known.incarnation
          ? vector.sequence > known.sequence
          : vector.incarnation > known.incarnation || forgotten;
      if (!newer) return [];
    } else if (this.#nodes.size >= mostNodes && !this.#dropStale()) {
      return [];
    }
    this.#heardMs = atMs;
    this.#nodes.set(vector.node, {
      incarnation: vector.incarnation,
      sequence: vector.sequence,
      heardMs: atMs,
      fresh: true,
      draining: vector.draining,
      drainingNodes: vector.drainingNodes,
      verdicts: vector.verdicts,
    });
    return this.#settle(changedKeys(known?.fresh ? known.verdicts : undefined, vector.verdicts));
  }

  /**
   * What the own node says; `news`: subjects on which that changed. `words.verdicts` may be
   * the same map as before.
   */
  speak(node: string, words: Words, news: readonly string[]): readonly string[] {
    const heardMs = Number.POSITIVE_INFINITY;
    this.#nodes.set(node, { incarnation: 0, sequence: 0, heardMs, fresh: true, ...words });
    return this.#settle(news);
  }

  /** As if the node had never spoken. */
  forget(node: string): readonly string[] {
    const before = this.#nodes.get(node)?.verdicts;
    this.#nodes.delete(node);
    return this.#settle(before?.keys() ?? []);
  }

  /** Marks nodes stale that were last heard before `sinceMs`. */
  expire(sinceMs: number): readonly string[] {
    let changed: string[] | undefined;
    for (const node of this.#nodes.values()) {
      if (!node.fresh || node.heardMs >= sinceMs) continue;
      node.fresh = false;
      changed = [...(changed ?? []), ...this.#settle(node.verdicts.keys())];
    }
    return changed ?? [];
  }

  /** Settles the words on those subjects, and draining. */
  #settle(keys: Iterable<string>): string[] {
    const fresh = [...this.#nodes.values()].filter((node) => node.fresh);
    if (fresh.length > 0) this.#settleDraining(fresh);
    const changed: string[] = [];
    for (const key of keys) if (this.#settleWord(key, fresh)) changed.push(key);
    return changed;
  }

  #settleDraining(fresh: readonly NodeRecord[]): void {
    this.#draining = fresh.every((node) => node.draining);
    const names = [...new Set(fresh.flatMap((node) => node.drainingNodes))].sort();
    if (names.join() !== this.#drainingNodes.join()) this.#drainingNodes = names;
  }

  #settleWord(key: string, fresh: readonly NodeRecord[]): boolean {
    let up = 0;
    let down = 0;
    for (const { verdicts } of fresh) {
      const verdict = verdicts.get(key);
      if (verdict === 'up') up++;
      else if (verdict === 'down') down++;
    }
    const before = this.#words.get(key);
    const word = majorityWord(up, down, before ?? this.#lastWords.get(key));
    if (word === before) return false;
    if (word === undefined) {
      this.#words.delete(key);
    } else {
      this.#words.set(key, word);
      this.#lastWords.set(key, word);
    }
    return true;
  }

  #dropStale(): boolean {
    for (const [name, node] of this.#nodes) {
      if (!node.fresh) return this.#nodes.delete(name);
    }
    return false;
  }
}

/** Where two sets of verdicts differ; all of `after` where there is nothing before. */
function changedKeys(
  before: ReadonlyMap<string, Verdict> | undefined,
  after: ReadonlyMap<string, Verdict>,
): Iterable<string> {
  if (!before) return after.keys();
  if (before === after) return [];
  const keys: string[] = [];
  for (const [key, verdict] of after) if (before.get(key) !== verdict) keys.push(key);
  for (const key of before.keys()) if (!after.has(key)) keys.push(key);
  return keys;
}
