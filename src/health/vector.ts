import { HealthError } from './health-error.ts';
import type { Verdict } from './hysteresis.ts';

/**
 * Everything one node, or one region, says about every subject: full state each time, so
 * that a lost message costs nothing.
 */
export interface Vector {
  readonly kind: 'verdicts';
  readonly version: 1;
  /** Whose word it is: the sending node's own (to its siblings), or its region's. */
  readonly scope: 'node' | 'region';
  readonly region: string;
  /** The sending node; unique in its region. */
  readonly node: string;
  /** Rises with every start of the node. */
  readonly incarnation: number;
  /** Rises with every vector of an incarnation. */
  readonly sequence: number;
  /** The region (or node) is about to stop: send no new clients. */
  readonly draining: boolean;
  /** Those nodes of the region that are about to stop. */
  readonly drainingNodes: readonly string[];
  /** By subject key (`plan.ts`); a subject without a verdict is left out. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
}

const name = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const nodeName = /^[A-Za-z0-9._:-]{1,64}$/;
const longestKey = 'service//'.length + 2 * 63;
const mostVerdicts = 50_000;
/** Twice what a region can have: while its configuration changes, some have gone. */
const mostDrainingNodes = 64;

/**
 * Reads a vector that came from outside. Unknown fields are left aside, so that a newer
 * node can be understood. Throws `HealthError` (`bad_vector`).
 */
export function parseVector(value: unknown): Vector {
  const fields = record(value, 'the vector');
  if (fields.kind !== 'verdicts' || fields.version !== 1) refuse('kind or version');
  const { scope, draining } = fields;
  if (scope !== 'node' && scope !== 'region') return refuse('scope');
  if (typeof draining !== 'boolean') return refuse('draining');
  return {
    kind: 'verdicts',
    version: 1,
    scope,
    region: text(fields.region, name, 'region'),
    node: text(fields.node, nodeName, 'node'),
    incarnation: count(fields.incarnation, 'incarnation'),
    sequence: count(fields.sequence, 'sequence'),
    draining,
    drainingNodes: parseNodes(fields.drainingNodes),
    verdicts: parseVerdicts(fields.verdicts),
  };
}

/** Absent from a node that knows of one node per region only. */
function parseNodes(value: unknown = []): readonly string[] {
  if (!Array.isArray(value) || value.length > mostDrainingNodes) return refuse('draining nodes');
  return value.map((node) => text(node, nodeName, 'a draining node'));
}

function parseVerdicts(value: unknown): ReadonlyMap<string, Verdict> {
  const entries = Object.entries(record(value, 'verdicts'));
  if (entries.length > mostVerdicts) refuse('more verdicts than allowed');
  const verdicts = new Map<string, Verdict>();
  for (const [key, verdict] of entries) {
    if (key.length > longestKey) refuse('the length of a subject');
    if (verdict !== 'up' && verdict !== 'down') return refuse('a verdict');
    verdicts.set(key, verdict);
  }
  return verdicts;
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(what);
  return value as Readonly<Record<string, unknown>>;
}

function text(value: unknown, pattern: RegExp, what: string): string {
  return typeof value === 'string' && pattern.test(value) ? value : refuse(what);
}

function count(value: unknown, what: string): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : refuse(what);
}

/** Never quotes what came in. */
function refuse(what: string): never {
  throw new HealthError('bad_vector', `not a verdict vector: ${what}`);
}
