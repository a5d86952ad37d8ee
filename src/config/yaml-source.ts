import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { messageOf } from '../base/errors.ts';
import type { Finding } from './config-error.ts';
import type { FieldPath } from './field-path.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something wrong with the text itself, where it was found. */
export interface SyntaxFinding extends Position {
  readonly message: string;
}

export interface YamlSource {
  /** What the text says; `undefined` where it cannot be told. */
  readonly value: unknown;
  readonly syntax: readonly SyntaxFinding[];
  /** Where the key or value of a field stands; for a missing one, what should hold it. */
  locate(path: FieldPath, at: Finding['at']): Position;
}

/** How often an anchor may be used in the end, aliases within aliases multiplied. */
const maximumAliases = 10_000;

/** Reads one YAML 1.2 document (JSON is one too). Throws nothing: what is wrong is returned. */
export function readYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    schema: 'core',
    logLevel: 'error',
  });
  const syntax = describeErrors(document, text, position);
  const locate = (path: FieldPath, at: Finding['at']) => position(offsetOf(document, path, at));
  if (syntax.some(({ fatal }) => fatal)) return { value: undefined, syntax, locate };
  if (document.contents === null) {
    return {
      value: undefined,
      syntax: [{ line: 1, column: 1, message: 'the file is empty' }],
      locate,
    };
  }
  try {
    return { value: document.toJS({ maxAliasCount: maximumAliases }), syntax, locate };
  } catch (error) {
    // The parser leaves aliases to this step: one of a later or missing anchor, or a bomb.
    const broken = unresolvedAlias(document);
    const message = broken
      ? `the alias *${broken.source} has no anchor before it`
      : aliasMessage(messageOf(error));
    const place = position(startOf(broken ?? document.contents) ?? 0);
    return { value: undefined, syntax: [...syntax, { ...place, message }], locate };
  }
}

interface DescribedError extends SyntaxFinding {
  /** The text cannot be understood; what it seems to say would only mislead. */
  readonly fatal: boolean;
}

function describeErrors(
  document: Document.Parsed,
  text: string,
  position: (offset: number) => Position,
): DescribedError[] {
  const problems: YAMLError[] = [...document.errors, ...document.warnings];
  const tooDeep = problems.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (tooDeep) {
    return [{ ...position(tooDeep.pos[0]), message: 'nested too deeply', fatal: true }];
  }
  const described = new Map<string, DescribedError>();
  for (const problem of problems) {
    const place = position(problem.pos[0]);
    const message = describeError(problem, text);
    // One slip makes the parser stumble several times on a line: the first tells most.
    const key = problem.code === 'DUPLICATE_KEY' ? `${problem.pos[0]}` : `line ${place.line}`;
    if (!described.has(key)) {
      described.set(key, { ...place, message, fatal: problem.code !== 'DUPLICATE_KEY' });
    }
  }
  return [...described.values()];
}

function describeError(problem: YAMLError, text: string): string {
  switch (problem.code) {
    case 'DUPLICATE_KEY': {
      const key = /^("[^"\n]*"|'[^'\n]*'|[^:\n,}]*)/.exec(text.slice(problem.pos[0]))?.[0].trim();
      return `the key ${key} is given twice`;
    }
    case 'MULTIPLE_DOCS':
      return 'expected one YAML document, and a second one begins here';
    case 'NON_STRING_KEY':
      return 'a key must be a plain name';
    case 'TAG_RESOLVE_FAILED':
      return `tags have no meaning here: ${problem.message}`;
    default:
      return problem.message;
  }
}

function unresolvedAlias(document: Document.Parsed): Alias | undefined {
  let found: Alias | undefined;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return undefined;
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}

function aliasMessage(message: string): string {
  if (message.startsWith('Excessive alias count')) {
    return `the aliases multiply to more than ${maximumAliases} uses of an anchor`;
  }
  return message;
}

function offsetOf(document: Document.Parsed, path: FieldPath, at: Finding['at']): number {
  let node: Node | null = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    const holder = isAlias(node) ? (node.resolve(document) ?? null) : node;
    if (isSeq(holder)) {
      node = asNode(holder.items[Number(step)]);
    } else if (isMap(holder)) {
      const pair: Pair | undefined = holder.items.find(({ key }) => keyText(key) === String(step));
      if (!pair) return offset;
      offset = startOf(asNode(pair.key)) ?? offset;
      node = asNode(pair.value);
      if (depth === path.length - 1 && at === 'key') return offset;
      if (depth < path.length - 1 || isEmptyScalar(node)) continue;
    } else {
      return offset;
    }
    offset = startOf(node) ?? offset;
  }
  return offset;
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function asNode(value: unknown): Node | null {
  return isNode(value) ? value : null;
}

function startOf(node: Node | null): number | undefined {
  return node?.range?.[0];
}

/** `name:` with nothing behind it has a value of no length, often on a later line. */
function isEmptyScalar(node: Node | null): boolean {
  return isScalar(node) && node.value === null && node.range?.[0] === node.range?.[1];
}
