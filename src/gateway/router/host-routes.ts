import { Candidates, type Conditional } from './candidates.ts';
import type { RouteConditions } from './conditions.ts';
import type { RoutePath } from './route-path.ts';

/**
 * One place in the tree of whole-path patterns. Most are leaves, and a request that finds one
 * of many finds it in cold memory: what a node has not is not looked into.
 */
class PatternNode {
  literals: Map<string, PatternNode> | undefined = undefined;
  parameter: PatternNode | undefined = undefined;
  candidates: Candidates | undefined = undefined;
}

/** One place in the tree of prefixes. */
class PrefixNode {
  literals: Map<string, PrefixNode> | undefined = undefined;
  readonly parent: PrefixNode | undefined;
  candidates: Candidates | undefined = undefined;

  constructor(parent: PrefixNode | undefined) {
    this.parent = parent;
  }
}

/** What the tables keep of a route. */
export interface RoutedPath {
  readonly index: number;
  readonly path: RoutePath;
  readonly methods: readonly string[] | undefined;
  readonly conditions: RouteConditions | undefined;
  /** `undefined`: any. */
  readonly listeners: readonly string[] | undefined;
}

/** The routes of one host, wildcard, any host, or of one API, as two trees of path segments. */
export class HostRoutes {
  readonly #patterns = new PatternNode();
  readonly #prefixes = new PrefixNode(undefined);

  /** Where it has routes; `undefined`: everywhere. */
  #listeners: Set<string> | undefined = new Set();

  add({ index, path, methods, conditions, listeners }: RoutedPath): void {
    if (!listeners) this.#listeners = undefined;
    for (const listener of listeners ?? []) this.#listeners?.add(listener);
    const node = path.kind === 'prefix' ? this.#prefixNode(path) : this.#patternNode(path);
    node.candidates ??= new Candidates();
    node.candidates.add(index, methods, conditions);
  }

  /** Whether some route is for requests that come in there. */
  isServedAt(listener: string): boolean {
    return this.#listeners?.has(listener) ?? true;
  }

  #patternNode({ segments, parameters }: RoutePath): PatternNode {
    let node = this.#patterns;
    for (const [position, segment] of segments.entries()) {
      if (parameters.some((parameter) => parameter.position === position)) {
        node.parameter ??= new PatternNode();
        node = node.parameter;
      } else {
        node.literals ??= new Map();
        node = childOf(node.literals, segment, () => new PatternNode());
      }
    }
    return node;
  }

  #prefixNode({ segments }: RoutePath): PrefixNode {
    let node = this.#prefixes;
    for (const segment of segments) {
      const parent = node;
      node.literals ??= new Map();
      node = childOf(node.literals, segment, () => new PrefixNode(parent));
    }
    return node;
  }

  /** The best route for the request, or -1. */
  find(path: string, request: Conditional): number {
    const whole = findPattern(this.#patterns, path, 1, request);
    if (whole !== -1) return whole;
    for (let node = this.#deepestPrefix(path); node !== undefined; node = node.parent) {
      const index = node.candidates?.find(request) ?? -1;
      if (index !== -1) return index;
    }
    return -1;
  }

  /** The methods of all routes whose path matches; for when `find` gave -1. */
  allowedMethods(path: string, request: Conditional): Set<string> {
    const allowed = new Set<string>();
    collectPatterns(this.#patterns, path, 1, request, allowed);
    for (let node = this.#deepestPrefix(path); node !== undefined; node = node.parent) {
      node.candidates?.collect(request, allowed);
    }
    return allowed;
  }

  #deepestPrefix(path: string): PrefixNode | undefined {
    let node = this.#prefixes;
    for (let at = 1; node.literals !== undefined && at <= path.length; ) {
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
function findPattern(node: PatternNode, path: string, at: number, request: Conditional): number {
  if (at > path.length) return node.candidates?.find(request) ?? -1;
  const end = segmentEnd(path, at);
  const literal = node.literals?.get(path.substring(at, end));
  if (literal !== undefined) {
    const index = findPattern(literal, path, end + 1, request);
    if (index !== -1) return index;
  }
  if (node.parameter === undefined || end === at) return -1;
  return findPattern(node.parameter, path, end + 1, request);
}

function collectPatterns(
  node: PatternNode,
  path: string,
  at: number,
  request: Conditional,
  into: Set<string>,
): void {
  if (at > path.length) {
    node.candidates?.collect(request, into);
    return;
  }
  const end = segmentEnd(path, at);
  const literal = node.literals?.get(path.substring(at, end));
  if (literal !== undefined) collectPatterns(literal, path, end + 1, request, into);
  if (node.parameter !== undefined && end > at) {
    collectPatterns(node.parameter, path, end + 1, request, into);
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
