import { globSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** A fenced block of a document. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** Of the document, for messages: `docs/guides/routing.md, line 7`. */
  readonly place: string;
}

/** A table of a document: cells as written, without the heading. */
export interface Table {
  readonly heading: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A document in the order in which it is read. */
export type Part = Block | Table;

export function guidePaths(): string[] {
  return ['README.md', ...globSync('docs/guides/*.md', { cwd: root }).sort()];
}

/** Blocks and tables of the document at that path of the project. */
export function partsOf(path: string): Part[] {
  const text = readFileSync(join(root, path), 'utf8');
  const place = relative(root, join(root, path));
  const found = /^```(\w*)\n(.*?)^```$|^\|[^\n]*\n\|[-| ]+\|\n(?:\|[^\n]*\n)*/gms;
  return [...text.matchAll(found)].map((match) => {
    const [all, language, content] = match;
    const line = text.slice(0, match.index).split('\n').length;
    if (content !== undefined)
      return { language: language!, text: content, place: `${place}, line ${line}` };
    const [heading, , ...rows] = all.trimEnd().split('\n').map(cells);
    return { heading: heading!, rows };
  });
}

export function blocksOf(path: string, language: string): Block[] {
  return partsOf(path).filter((part): part is Block => isBlock(part) && part.language === language);
}

export function isBlock(part: Part): part is Block {
  return 'language' in part;
}

function cells(row: string): string[] {
  return row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}

/** The table whose first heading is that. */
export function tableUnder(path: string, heading: string): Table {
  const found = partsOf(path).find((part) => !isBlock(part) && part.heading[0] === heading);
  if (!found || isBlock(found)) throw new Error(`${path} has no table under "${heading}"`);
  return found;
}
