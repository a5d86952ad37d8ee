import type { ZoneDraft } from '../draft.ts';
import type { FieldPath } from '../field-path.ts';
import { nearestName } from '../nearest-name.ts';
import type { RecordSetConfig } from '../schema/zone.ts';
import type { Rule } from './rule.ts';

/** Record sets on the way from a name to its data, the first included. */
export const deepestTree = 8;
/** Answers of a record set and of all below it: each query may look at every one of them. */
export const largestTree = 1_000;

/** Every alias leads to a record set of its zone and type, by trees that end and are small. */
export const aliasesLeadToRecordSets: Rule = ({ zones }, report) => {
  for (const [zone, config] of zones) {
    if (!config) continue;
    if (!config.records.some(hasAlias)) continue;
    const trees = new Trees(config);
    for (const [index, set] of config.records.entries()) {
      if (!set || !hasAlias(set)) continue;
      const path = ['zones', zone, 'records', index];
      for (const [at, message, suggestion] of trees.problems(set)) {
        const place: FieldPath = at === undefined ? path : [...path, 'answers', at, 'alias'];
        report({ path: place, at: 'value', message, suggestion });
      }
    }
  }
};

function hasAlias(set: RecordSetConfig | undefined): boolean {
  return set?.answers?.some(({ alias }) => alias !== undefined) ?? false;
}

type Problem = readonly [answer: number | undefined, message: string, suggestion?: string];

interface Size {
  /** At most one above the limit, as for a circle. */
  readonly depth: number;
  readonly answers: number;
}

/** Looks through the trees of one zone; in time that grows with their edges alone. */
class Trees {
  readonly #sets = new Map<string, RecordSetConfig>();
  readonly #targets = new Map<RecordSetConfig, readonly RecordSetConfig[]>();
  #sizes = new Map<RecordSetConfig, Size>();
  /** What is left of the searches for a circle or for what a name was meant to be. */
  #searches = 200;
  /** In a file, or in a part that was refused, may stand what is missing here. */
  readonly #isPartial: boolean;

  constructor({ records, file }: ZoneDraft) {
    this.#isPartial = file !== undefined || records.includes(undefined);
    for (const set of records) if (set) this.#sets.set(keyOf(set.type, set.name), set);
    for (const set of this.#sets.values()) this.#targets.set(set, this.#targetsOf(set));
    for (let depth = 1; depth <= deepestTree + 1; depth++) this.#grow(depth);
  }

  *problems(set: RecordSetConfig): Iterable<Problem> {
    const { depth = 1, answers = 1 } = this.#sizes.get(set) ?? {};
    let isCircle = false;
    for (const [at, { alias }] of set.answers?.entries() ?? []) {
      if (alias === undefined) continue;
      const target = this.#sets.get(keyOf(set.type, alias));
      if (!target && !this.#isPartial) yield this.#missing(at, set, alias);
      if (!target || depth <= deepestTree || isCircle || this.#searches === 0) continue;
      this.#searches--;
      const back = this.#wayBack(target, set);
      if (!back) continue;
      isCircle = true;
      const way = [set, ...back].map(({ name }) => name).join(' → ');
      yield [at, `leads back to ${set.name}: ${way}`];
    }
    if (isCircle) return;
    if (depth > deepestTree) {
      const message = `record sets lead to each other over more than ${deepestTree} steps, which is the limit`;
      yield [undefined, message];
    } else if (answers > largestTree) {
      const message = `has ${answers} answers with those of its aliases, and ${largestTree} is the limit`;
      yield [undefined, message];
    }
  }

  /** Sizes of all trees cut off at a depth, from those cut off one step before. */
  #grow(depth: number): void {
    const sizes = new Map<RecordSetConfig, Size>();
    for (const [set, targets] of this.#targets) {
      const size = { depth: 1, answers: set.answers?.length ?? 1 };
      for (const target of depth > 1 ? targets : []) {
        const below = this.#sizes.get(target)!;
        size.depth = Math.max(size.depth, below.depth + 1);
        size.answers += below.answers;
      }
      sizes.set(set, size);
    }
    this.#sizes = sizes;
  }

  #targetsOf({ type, answers = [] }: RecordSetConfig): RecordSetConfig[] {
    return answers.flatMap(({ alias }) =>
      alias === undefined ? [] : (this.#sets.get(keyOf(type, alias)) ?? []),
    );
  }

  #missing(at: number, { type }: RecordSetConfig, alias: string): Problem {
    const message = `the zone has no ${type} record set "${alias}"`;
    if (this.#searches === 0) return [at, message];
    this.#searches--;
    const names = [...this.#sets.values()].filter((set) => set.type === type);
    const suggestion = nearestName(
      alias,
      names.map(({ name }) => name),
    );
    return suggestion === undefined ? [at, message] : [at, message, suggestion];
  }

  /** The record sets from `from` to `to`, both included, if there are few. */
  #wayBack(from: RecordSetConfig, to: RecordSetConfig): RecordSetConfig[] | undefined {
    const before = new Map<RecordSetConfig, RecordSetConfig | undefined>([[from, undefined]]);
    for (const set of before.keys()) {
      if (set === to) {
        const way = [set];
        for (let at = before.get(set); at; at = before.get(at)) way.unshift(at);
        return way;
      }
      if (before.size > mostShown) return undefined;
      for (const next of this.#targets.get(set) ?? []) if (!before.has(next)) before.set(next, set);
    }
    return undefined;
  }
}

/** Record sets that are looked at for the way around a circle. */
const mostShown = 100;

function keyOf(type: string, name: string): string {
  return `${type} ${name}`;
}
