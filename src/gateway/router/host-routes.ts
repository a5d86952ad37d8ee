import { Candidates, type Conditional } from './candidates.ts';
import type { RouteConditions } from './conditions.ts';
import type { RoutePath } from './route-path.ts';

/**
 * Where a segment leads: a node, or, where nothing follows and one route takes every request,
 * only the index of that. Most routes are such leaves, and of ten thousand the one that a request
 * is for lies in cold memory: what is not there need not be fetched.
 *
 *   literals   rates ─▶ 17
 *              admin ─▶ PrefixNode ─▶ literals …
 */
type Place<Node> = Node | number;

/** One place in the tree of whole-path patterns. */
class PatternNode {
  literals: Map<string, Place<PatternNode>> | undefined = undefined;
  parameter: PatternNode | undefined = undefined;
  candidates: Candidates | undefined = undefined;
}

/** One place in the tree of prefixes. */
class PrefixNode {
  literals: Map<string, Place<PrefixNode>> | undefined = undefined;
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

  add(route: RoutedPath): void {
    const { listeners } = route;
    if (!listeners) this.#listeners = undefined;
    for (const listener of listeners ?? []) this.#listeners?.add(listener);
    if (route.path.kind === 'prefix') addPrefix(this.#prefixes, route);
    else addPattern(this.#patterns, route);
  }

  /** Whether some route is for requests that come in there. */
  isServedAt(listener: string): boolean {
    return this.#listeners?.has(listener) ?? true;
  }

  /** The best route for the request, or -1. */
  find(path: string, request: Conditional): number {
    const whole = findPattern(this.#patterns, path, 1, request);
    if (whole !== -1) return whole;
    const place = this.#deepestPrefix(path);
    if (typeof place === 'number') return place;
    for (let node: PrefixNode | undefined = place; node !== undefined; node = node.parent) {
      const index = node.candidates?.find(request) ?? -1;
      if (index !== -1) return index;
    }
    return -1;
  }

  /** The methods of all routes whose path matches; for when `find` gave -1. */
  allowedMethods(path: string, request: Conditional): Set<string> {
    const allowed = new Set<string>();
    collectPatterns(this.#patterns, path, 1, request, allowed);
    const place = this.#deepestPrefix(path);
    if (typeof place === 'number') return allowed;
    for (let node: PrefixNode | undefined = place; node !== undefined; node = node.parent) {
      node.candidates?.collect(request, allowed);
    }
    return allowed;
  }

  #deepestPrefix(path: string): Place<PrefixNode> {
    let node = this.#prefixes;
    for (let at = 1; node.literals !== undefined && at <= path.length; ) {
      const end = segmentEnd(path, at);
      const place = node.literals.get(path.substring(at, end));
      if (place === undefined) break;
      if (typeof place === 'number') return place;
      node = place;
      at = end + 1;
    }
    return node;
  }
}

function addPrefix(root: PrefixNode, { path: { segments }, ...route }: RoutedPath): void {
  let node = root;
  for (const [position, segment] of segments.entries()) {
    const parent = node;
    node.literals ??= new Map();
    if (position === segments.length - 1 && isLeaf(route, node.literals.get(segment))) {
      node.literals.set(segment, route.index);
      return;
    }
    node = childOf(node.literals, segment, () => new PrefixNode(parent));
  }
  addTo(node, route);
}

function addPattern(root: PatternNode, { path, ...route }: RoutedPath): void {
  const { segments, parameters } = path;
  let node = root;
  for (const [position, segment] of segments.entries()) {
    if (parameters.some((parameter) => parameter.position === position)) {
      node.parameter ??= new PatternNode();
      node = node.parameter;
      continue;
    }
    node.literals ??= new Map();
    if (position === segments.length - 1 && isLeaf(route, node.literals.get(segment))) {
      node.literals.set(segment, route.index);
      return;
    }
    node = childOf(node.literals, segment, () => new PatternNode());
  }
  addTo(node, route);
}

type Entry = Pick<RoutedPath, 'index' | 'methods' | 'conditions'>;
type Holder = { candidates: Candidates | undefined };

/** Whether a route that is the first at its place takes every request there. */
function isLeaf({ methods, conditions }: Entry, there: unknown): boolean {
  return there === undefined && methods === undefined && conditions === undefined;
}

function addTo(node: Holder, { index, methods, conditions }: Entry): void {
  node.candidates ??= new Candidates();
  node.candidates.add(index, methods, conditions);
}

/** The node of a segment; a leaf becomes one. */
function childOf<Node extends Holder>(
  children: Map<string, Place<Node>>,
  segment: string,
  create: () => Node,
): Node {
  const known = children.get(segment);
  if (typeof known === 'object') return known;
  const created = create();
  if (known !== undefined) {
    addTo(created, { index: known, methods: undefined, conditions: undefined });
  }
  children.set(segment, created);
  return created;
}

/** Literal before parameter at each segment; `at` is where the next segment starts. */
function findPattern(node: PatternNode, path: string, at: number, request: Conditional): number {
  if (at > path.length) return node.candidates?.find(request) ?? -1;
  const end = segmentEnd(path, at);
  const literal = node.literals?.get(path.substring(at, end));
  if (typeof literal === 'number') {
    if (end === path.length) return literal;
  } else if (literal !== undefined) {
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
  if (typeof literal === 'object') collectPatterns(literal, path, end + 1, request, into);
  if (node.parameter !== undefined && end > at) {
    collectPatterns(node.parameter, path, end + 1, request, into);
  }
}

function segmentEnd(path: string, at: number): number {
  const slash = path.indexOf('/', at);
  return slash === -1 ? path.length : slash;
}
