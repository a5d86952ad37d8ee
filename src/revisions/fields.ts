/** Says what is wrong, by the path of a field and never by what stands there. */
export type Refuse = (what: string) => never;

/** Of a parsed name: regions, nodes and services have names of the same kind. */
export const namePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
export const sha256Pattern = /^[0-9a-f]{64}$/;
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** Control characters, and those that reorder or break the line that they stand in. */
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/u;

/**
 * Fields of an object that came from outside. Unknown ones are left aside, so that what a
 * newer node writes can be understood.
 */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #refuse: Refuse;

  constructor(value: unknown, path: string, refuse: Refuse) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(path);
    this.#fields = value as Readonly<Record<string, unknown>>;
    this.#path = path;
    this.#refuse = refuse;
  }

  /** JSON in UTF-8. */
  static ofJson(bytes: Uint8Array, path: string, refuse: Refuse): Fields {
    return new Fields(parseJson(bytes, path, refuse), path, refuse);
  }

  matching(name: string, pattern: RegExp): string {
    const value = this.#get(name);
    return typeof value === 'string' && pattern.test(value) ? value : this.#bad(name);
  }

  /** See `isTime`. */
  time(name: string): string {
    const value = this.#get(name);
    return typeof value === 'string' && isTime(value) ? value : this.#bad(name);
  }

  /** A line for people: no control characters, at most `most` UTF-16 code units. */
  line(name: string, most: number, least = 0): string {
    const value = this.#get(name);
    return isLine(value, most, least) ? value : this.#bad(name);
  }

  /** Text for people, which may have several lines; how it is shown is for who shows it. */
  text(name: string, most: number): string {
    const value = this.#get(name);
    return typeof value === 'string' && value.length <= most ? value : this.#bad(name);
  }

  /** A number from 0 on, whole or not. */
  amount(name: string): number {
    const value = this.#get(name);
    return typeof value === 'number' && value >= 0 ? value : this.#bad(name);
  }

  /** A whole number that is exact. */
  count(name: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.#get(name);
    const fits = Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
    return fits ? Number(value) : this.#bad(name);
  }

  /** From 0 to 1. */
  share(name: string): number {
    const value = this.#get(name);
    return typeof value === 'number' && value >= 0 && value <= 1 ? value : this.#bad(name);
  }

  flag(name: string): boolean {
    const value = this.#get(name);
    return typeof value === 'boolean' ? value : this.#bad(name);
  }

  choice<T extends string | number>(name: string, ...choices: readonly T[]): T {
    const value = this.#get(name);
    return choices.find((choice) => choice === value) ?? this.#bad(name);
  }

  fields(name: string): Fields {
    return new Fields(this.#get(name), this.#at(name), this.#refuse);
  }

  /** @param read gives `undefined` for an item that is malformed. */
  list<T>(name: string, most: number, read: (item: unknown) => T | undefined): T[] {
    const value = this.#get(name);
    if (!Array.isArray(value) || value.length > most) return this.#bad(name);
    return value.map((item) => read(item) ?? this.#bad(name));
  }

  /** Whatever stands there, if anything does. */
  value(name: string): unknown {
    const value = this.#get(name);
    return value === undefined ? this.#bad(name) : value;
  }

  /** By names that are not known before, at most `most`. */
  record(name: string, most: number): Readonly<Record<string, unknown>> {
    const fields = this.fields(name).#fields;
    return Object.keys(fields).length <= most ? fields : this.#bad(name);
  }

  entries(name: string, most: number): readonly (readonly [string, Fields])[] {
    const record = this.record(name, most);
    const at = this.#at(name);
    return Object.entries(record).map(([key, value]) => [key, new Fields(value, at, this.#refuse)]);
  }

  /** `undefined` where the field is absent. */
  optional<T>(name: string, read: (name: string) => T): T | undefined {
    return this.#get(name) === undefined ? undefined : read(name);
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  #bad(name: string): never {
    return this.#refuse(this.#at(name));
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

/** ISO 8601 in UTC, as `Date.toISOString` writes it, of a time that there is. */
export function isTime(text: string): boolean {
  return timePattern.test(text) && Number.isFinite(Date.parse(text));
}

export function isLine(value: unknown, most: number, least = 0): value is string {
  return (
    typeof value === 'string' &&
    value.length >= least &&
    value.length <= most &&
    value.isWellFormed() &&
    !unprintable.test(value)
  );
}

/** Text of any kind as a line that `isLine` accepts. */
export function oneLine(text: string, most: number): string {
  return text.slice(0, most).toWellFormed().replace(new RegExp(unprintable, 'gu'), ' ');
}

export function parseJson(bytes: Uint8Array, path: string, refuse: Refuse): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return refuse(path === '' ? 'not JSON' : `${path}: not JSON`);
  }
}

/** Whether it is no JSON object, which no version of Meridian writes: not whole, or nobody knows what. */
export function isTorn(bytes: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof value !== 'object' || value === null || Array.isArray(value);
  } catch {
    return true;
  }
}
