import { harmless, isFields, isSame, nameOf, plain } from './diff-values.ts';

/** Where the text ends, unless asked otherwise. */
export const shownDiffLines = 200;
/** Around what differs. */
const contextLines = 3;
/** Beyond this many pairs of lines a part is shown as replaced. */
const comparedPairs = 250_000;

/** A part of a configuration that has a place of its own: `services.rates`, `routes[convert]`. */
type Parts = ReadonlyMap<string, unknown>;

export interface DiffText {
  readonly text: string;
  /** Parts that differ, and how many of them the text does not show. */
  readonly parts: number;
  readonly omitted: number;
}

/**
 * How two documents, as written, differ: for each part that does, its lines in YAML with
 * `-` and `+` and some of what stands around them.
 *
 *   @@ services.rates @@
 *      check:
 *   -    path: /health
 *   +    path: /live
 *
 * Both are written the same way first, so that style and order of fields make no difference.
 */
export function diffText(before: unknown, after: unknown, mostLines = shownDiffLines): DiffText {
  const [old, next] = [partsOf(before), partsOf(after)];
  const places = [...next.keys(), ...[...old.keys()].filter((place) => !next.has(place))];
  const changed = places.filter((place) => !isSame(old.get(place), next.get(place)));
  const lines: string[] = [];
  let omitted = 0;
  for (const place of changed) {
    if (lines.length >= mostLines) omitted++;
    else lines.push(`@@ ${place} @@`, ...hunk(old.get(place), next.get(place)));
  }
  const shown = lines.slice(0, mostLines);
  if (shown.length < lines.length) shown.push('…');
  return { text: shown.join('\n'), parts: changed.length, omitted };
}

function partsOf(document: unknown): Parts {
  const parts = new Map<string, unknown>();
  const add = (place: string, value: unknown) => {
    let free = place;
    for (let copy = 2; parts.has(free); copy++) free = `${place}#${copy}`;
    parts.set(free, value);
  };
  for (const [section, value] of Object.entries(isFields(document) ? document : {})) {
    if (section === 'regions' || section === 'services') addFields(section, value, add);
    else if (section === 'zones') addZones(value, add);
    else if (Array.isArray(value)) addItems(section, value, add);
    else add(section, value);
  }
  return parts;
}

type Add = (place: string, value: unknown) => void;

function addFields(section: string, value: unknown, add: Add): void {
  if (!isFields(value)) add(section, value);
  else for (const [name, field] of Object.entries(value)) add(`${section}.${plain(name)}`, field);
}

function addItems(section: string, items: readonly unknown[], add: Add): void {
  for (const [index, item] of items.entries()) {
    add(`${section}[${plain(nameOf(item) ?? String(index))}]`, item);
  }
}

function addZones(value: unknown, add: Add): void {
  for (const [name, zone] of Object.entries(isFields(value) ? value : {})) {
    const place = `zones.${plain(name)}`;
    const { records, contents, ...rest } = isFields(zone) ? zone : {};
    add(place, rest);
    for (const [file, text] of Object.entries(isFields(contents) ? contents : {})) {
      add(`${place}.contents[${plain(file)}]`, new TextFile(text));
    }
    if (Array.isArray(records)) addItems(`${place}.records`, records, add);
  }
}

/** A zone file: its lines are compared as they are. */
class TextFile {
  readonly text: string;

  constructor(text: unknown) {
    this.text = typeof text === 'string' ? text : '';
  }
}

function hunk(before: unknown, after: unknown): string[] {
  return withContext(compareLines(linesOf(before), linesOf(after)));
}

function linesOf(part: unknown): string[] {
  if (part === undefined) return [];
  if (!(part instanceof TextFile)) return yamlLines(part, '');
  return part.text.replace(/\n$/, '').split('\n').map(harmless);
}

/** Block style, flow style for lists of single values; what names a thing first, then by name. */
function yamlLines(value: unknown, indent: string): string[] {
  if (Array.isArray(value)) {
    if (value.every(isSingle)) return [`${indent}[${value.map(single).join(', ')}]`];
    return value.flatMap((item) => {
      const [first = '', ...rest] = yamlLines(item, `${indent}  `);
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  if (isSingle(value)) return [indent + single(value)];
  return Object.entries(value as object)
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .flatMap(([name, field]) => {
      const key = `${indent}${scalar(name)}:`;
      const lines = yamlLines(field, `${indent}  `);
      const isFlow = lines.length === 1 && (isSingle(field) || Array.isArray(field));
      const inline = isFlow && !lines[0]!.trimStart().startsWith('- ');
      return inline ? [`${key} ${lines[0]!.trimStart()}`] : [key, ...lines];
    });
}

function rank(field: string): number {
  const at = ['name', 'type'].indexOf(field);
  return at < 0 ? 2 : at;
}

function isSingle(value: unknown): boolean {
  return typeof value !== 'object' || value === null || Object.keys(value).length === 0;
}

function single(value: unknown): string {
  return typeof value === 'string' ? scalar(value) : JSON.stringify(value);
}

/** Plain where no reader of YAML could take it for something else. */
function scalar(text: string): string {
  const isWord = /^[\w/][\w./@-]*(:[\w./@-]+)*$/.test(text);
  const isElse = /^(true|false|null|yes|no|on|off|y|n|0[xo].*|[\d_]+(:[\d_]+)*|\d{4}-.*)$/i.test(
    text,
  );
  if (isWord && !isElse && Number.isNaN(Number(text))) return text;
  return plain(text) === text ? JSON.stringify(text) : plain(text);
}

type Line = readonly [mark: ' ' | '-' | '+', text: string];

/** Longest common subsequence, between the parts at both ends that are equal. */
function compareLines(old: readonly string[], next: readonly string[]): Line[] {
  let head = 0;
  while (head < old.length && head < next.length && old[head] === next[head]) head++;
  let tail = 0;
  const rest = Math.min(old.length, next.length) - head;
  while (tail < rest && old.at(-1 - tail) === next.at(-1 - tail)) tail++;
  const kept = (text: string): Line => [' ', text];
  return [
    ...old.slice(0, head).map(kept),
    ...compareMiddle(old.slice(head, old.length - tail), next.slice(head, next.length - tail)),
    ...old.slice(old.length - tail).map(kept),
  ];
}

function compareMiddle(old: readonly string[], next: readonly string[]): Line[] {
  const removed = (text: string): Line => ['-', text];
  const added = (text: string): Line => ['+', text];
  if (old.length * next.length > comparedPairs) return [...old.map(removed), ...next.map(added)];
  const width = next.length + 1;
  /** [i, j]: how many lines old from i on and next from j on have in common. */
  const common = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = next.length - 1; j >= 0; j--) {
      common[i * width + j] =
        old[i] === next[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < next.length) {
    if (i < old.length && j < next.length && old[i] === next[j]) {
      lines.push([' ', old[i++]!]);
      j++;
    } else if (
      j >= next.length ||
      (i < old.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)
    ) {
      lines.push(removed(old[i++]!));
    } else lines.push(added(next[j++]!));
  }
  return lines;
}

/** Leaves out what is far from every change. */
function withContext(lines: readonly Line[]): string[] {
  const near = new Set<number>();
  for (const [index, [mark]] of lines.entries()) {
    if (mark === ' ') continue;
    for (let at = index - contextLines; at <= index + contextLines; at++) near.add(at);
  }
  return lines.flatMap(([mark, text], index) => {
    if (near.has(index)) return [`${mark} ${text}`];
    return index > 0 && near.has(index - 1) && near.size > 0 ? ['  …'] : [];
  });
}
