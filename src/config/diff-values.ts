import { createHash } from 'node:crypto';
import { type FieldPath, formatPath } from './field-path.ts';
import { formatDuration } from './schema/units.ts';

/** One field of an entry. A side that does not have it is `undefined`. */
export interface FieldChange {
  /** From the entry on: `check.interval`, `endpoints.eu-west-1["10.0.0.5:80"].weight`. */
  readonly path: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const longestValue = 60;

/** The model holds these in milliseconds; people wrote and read them with a unit. */
const durations = new Set([
  'interval',
  'connectTimeout',
  'timeout',
  'connect',
  'firstByte',
  'idle',
  'duration',
  'maximum',
  'ttl',
  'refresh',
  'retry',
  'expire',
  'negativeTtl',
]);

/** Whether two parts of a configuration say the same; the order of fields aside. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => isSame(item, b[index]));
  }
  if (!isFields(a) || !isFields(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]))
  );
}

/** Every field that differs, down to single values; items of a list by what names them. */
export function fieldChanges(before: unknown, after: unknown): FieldChange[] {
  const changes: FieldChange[] = [];
  collect(before, after, [], changes);
  return changes;
}

function collect(before: unknown, after: unknown, path: FieldPath, changes: FieldChange[]): void {
  if (isSame(before, after)) return;
  const [old, next] = [partsOf(before), partsOf(after)];
  if (!old || !next) {
    const [from, to] = [shown(before, path), shown(after, path)];
    changes.push({ path: formatPath(path), from, to });
    return;
  }
  for (const name of new Set([...old.keys(), ...next.keys()])) {
    collect(old.get(name), next.get(name), [...path, name], changes);
  }
}

/** Fields by name, or the items of a list by what names each; else `undefined`. */
function partsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (isFields(value)) return new Map(Object.entries(value));
  if (!Array.isArray(value)) return undefined;
  const parts = new Map(value.map((item) => [nameOf(item) ?? '', item]));
  return parts.size === value.length && !parts.has('') ? parts : undefined;
}

/** What tells an item of a list from the others. */
export function nameOf(item: unknown): string | undefined {
  if (!isFields(item)) return undefined;
  const { name, type, address, network, region } = item;
  if (typeof name === 'string' && typeof type === 'string') return `${name} ${type}`;
  return [name, address, network, region].find((field) => typeof field === 'string');
}

/** A value in a line, at most `longestValue` characters of it. */
export function shown(value: unknown, path: FieldPath): string | undefined {
  if (value === undefined) return undefined;
  const isRoundTrip = path[0] === 'latency' && path[1] !== 'beacon';
  const isDuration = isRoundTrip || durations.has(String(path.at(-1)));
  if (typeof value === 'number' && isDuration) return formatDuration(value);
  if (typeof value === 'string' && value.includes('\n')) return shownText(value);
  const text = typeof value === 'string' ? plain(value) : JSON.stringify(value);
  return text.length > longestValue ? `${text.slice(0, longestValue - 1)}…` : text;
}

/** Of several lines, such as a zone file: `12 lines, sha256 0a1b2c3d`. */
function shownText(text: string): string {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return `${lines} lines, sha256 ${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

/** As it is where that is clear; else quoted, so that nothing in it acts on a terminal. */
export function plain(text: string): string {
  return /^[!-~][ -~]*$/.test(text) ? text : JSON.stringify(text).replace(unprintable, escaped);
}

/** Nothing in it acts on a terminal. */
export function harmless(line: string): string {
  return line.replaceAll('\t', '  ').replace(unprintable, escaped);
}

const unprintable = /[\p{C}\u2028\u2029]/gu;

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
