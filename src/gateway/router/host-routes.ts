import { MethodTable } from './method-table.ts';

/** One place in the tree of whole-path patterns. */
class PatternNode {
  readonly literals = new Map<string, PatternNode>();
  parameter: PatternNode | undefined;
  methods: MethodTable | undefined;
}

/** One place in the tree of prefixes. */
class PrefixNode {
  readonly literals = new Map<string, PrefixNode>();
  readonly parent: PrefixNode | undefined;
  methods: MethodTable | undefined;

  constructor(parent: PrefixNode | undefined) {
    this.parent = parent;
  }
}

/** A segment of a pattern that stands for any one non-empty segment. */
export function isParameter(segment: string): boolean {
  return segment.length > 1 && segment.startsWith(':');
}

/** The routes of one host, wildcard or of any host, as two trees of path segments. */
export class HostRoutes {
  readonly #patterns = new PatternNode();
  readonly #prefixes = new PrefixNode(undefined);

  addPattern(segments: readonly string[], methods: readonly string[] | undefined, index: number) {
    let node = this.#patterns;
    for (const segment of segments) {
      if (isParameter(segment)) {
        node.parameter ??= new PatternNode();
        node = node.parameter;
      } else node = childOf(node.literals, segment, () => new PatternNode());
    }
    node.methods ??= new MethodTable();
    node.methods.add(methods, index);
  }

  addPrefix(segments: readonly string[], methods: readonly string[] | undefined, index: number) {
    let node = this.#prefixes;
    for (const segment of segments) {
      const parent = node;
      node = childOf(node.literals, segment, () => new PrefixNode(parent));
    }
    node.methods ??= new MethodTable();
    node.methods.add(methods, index);
  }

  /** The best route for path and method, or -1. */
  find(path: string, method: string): number {
    const whole = findPattern(this.#patterns, path, 1, method);
    if (whole !== -1) return whole;
    for (let node = this.#deepestPrefix(path); node !== undefined; node = node.parent) {
      const index = node.methods?.find(method) ?? -1;
      if (index !== -1) return index;
    }
    return -1;
  }

  /** The methods of all routes whose path matches; for when `find` gave -1. */
  allowedMethods(path: string): Set<string> {
    const allowed = new Set<string>();
    collectPatterns(this.#patterns, path, 1, allowed);
    for (let node = this.#deepestPrefix(path); node !== undefined; node = node.parent) {
      node.methods?.collect(allowed);
    }
    return allowed;
  }

  #deepestPrefix(path: string): PrefixNode | undefined {
    let node = this.#prefixes;
    for (let at = 1; at <= path.length; ) {
      const end = segmentEnd(path, at);
      const child = node.literals.get(path.substring(at, end));
      if (child === undefined) break;
      node = child;
      at = end + 1;
    }
    return node;
  }
}

/** Literal before parameter at each segment; `at` is where the next segment starts. */
function findPattern(node: PatternNode, path: string, at: number, method: string): number {
  if (at > path.length) return node.methods?.find(method) ?? -1;
  const end = segmentEnd(path, at);
  const literal = node.literals.get(path.substring(at, end));
  if (literal !== undefined) {
    const index = findPattern(literal, path, end + 1, method);
    if (index !== -1) return index;
  }
  if (node.parameter === undefined || end === at) return -1;
  return findPattern(node.parameter, path, end + 1, method);
}

function collectPatterns(node: PatternNode, path: string, at: number, into: Set<string>): void {
  if (at > path.length) {
    node.methods?.collect(into);
    return;
  }
  const end = segmentEnd(path, at);
  const literal = node.literals.get(path.substring(at, end));
  if (literal !== undefined) collectPatterns(literal, path, end + 1, into);
  if (node.parameter !== undefined && end > at) {
    collectPatterns(node.parameter, path, end + 1, into);
  }
}

function segmentEnd(path: string, at: number): number {
  const slash = path.indexOf('/', at);
  return slash === -1 ? path.length : slash;
}

function childOf<Node>(children: Map<string, Node>, segment: string, create: () => Node): Node {
  const known = children.get(segment);
  if (known !== undefined) return known;
  const created = create();
  children.set(segment, created);
  return created;
}
