import { deepestTree } from '../../config/semantics/aliases.ts';
import { type NameKey, parseName } from '../wire/name.ts';
import { compileRecordSet, type RecordSetPlace } from './record-set.ts';
import type { RecordSet } from './zone.ts';

/** What the record sets of one zone have in common. */
export interface ConfiguredSetsOptions extends Omit<RecordSetPlace, 'path' | 'branch'> {
  /** Of the zone, for messages. */
  readonly path: string;
  /** A record set of the zone that comes from elsewhere. */
  other(owner: NameKey, type: string): RecordSet | undefined;
}

/**
 * The record sets of a zone's configuration. Those that others lead to (`alias`) are compiled
 * before them, each once, so that a record set holds its branches.
 */
export class ConfiguredSets {
  readonly #options: ConfiguredSetsOptions;
  readonly #indexOf = new Map<string, number>();
  readonly #compiled = new Map<number, RecordSet | undefined>();
  #depth = 0;

  constructor(options: ConfiguredSetsOptions) {
    this.#options = options;
    for (const [index, { type, name }] of options.zone.records.entries()) {
      this.#indexOf.set(`${type} ${name}`, index);
    }
  }

  /** `undefined` when it has problems, which were reported. */
  compile(index: number): RecordSet | undefined {
    if (this.#compiled.has(index)) return this.#compiled.get(index);
    this.#compiled.set(index, undefined); // what a circle comes back to
    const config = this.#options.zone.records[index]!;
    const { path, other: _, ...common } = this.#options;
    this.#depth++;
    const set = compileRecordSet(config, {
      ...common,
      path: `${path}.records[${index}]`,
      branch: (name, at) => this.#branch(config.type, name, at),
    });
    this.#depth--;
    this.#compiled.set(index, set);
    return set;
  }

  #branch(type: string, name: string, path: string): RecordSet | undefined {
    const { origin, problems, other } = this.#options;
    const index = this.#indexOf.get(`${type} ${name}`);
    if (index === undefined) {
      const set = problems.attempt(path, () => other(parseName(name, origin).key, type));
      if (!set) problems.add(path, `the zone has no ${type} record set ${JSON.stringify(name)}`);
      return set;
    }
    if (this.#depth >= deepestTree) {
      problems.add(path, `record sets lead to each other over more than ${deepestTree} steps`);
      return undefined;
    }
    const isOpen = this.#compiled.has(index) && this.#compiled.get(index) === undefined;
    if (isOpen) problems.add(path, `leads in a circle, or to a record set with problems`);
    return this.compile(index);
  }
}
