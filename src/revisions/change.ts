import { fail } from './errors.ts';
import { isLine, sha256Pattern } from './fields.ts';
import {
  authorLength,
  isWave,
  longestPauseMs,
  messageLength,
  noncePattern,
  seedPattern,
} from './parse.ts';
import type { RevisionRef, RolloutBounds } from './revision.ts';

/** Who asks for a change of the configuration, and why. */
export interface Author {
  /** 1 to 200 characters, no control characters. */
  readonly author: string;
  /** At most 1,000 characters, no control characters. */
  readonly message: string;
  /**
   * 24 hexadecimal digits that name the request. One that ended with `outcome_unknown` and
   * is sent again with the `details.change` of that error finds its own revision. Default:
   * a name that no other request has.
   */
  readonly change?: string | undefined;
  /**
   * The newest sequence that the caller knows of, from its snapshot say. The revision gets
   * a higher one: so a store that was made anew goes on where the one before ended.
   */
  readonly after?: number | undefined;
}

/** How a change is to reach the regions. */
export interface RolloutPlan {
  /** Names of all regions of the document, each once. */
  readonly waves: readonly (readonly string[])[];
  readonly pauseMs: number;
  readonly bounds: RolloutBounds;
}

export interface Change extends Author {
  /** As written, and accepted by `acceptDocument`, which gave the hash. */
  readonly document: unknown;
  readonly hash: string;
  /** What the operator's plan was made against; `undefined`: there must be none yet. */
  readonly base: RevisionRef | undefined;
  /** An event that the change stands for. */
  readonly seed?: string | undefined;
  /** `undefined`: all regions at once. */
  readonly rollout?: RolloutPlan | undefined;
  /** Whether a rollout that runs is given up for it. Regions that it has not reached skip it. */
  readonly supersede?: boolean | undefined;
}

export interface Rollback extends Author {
  readonly base: RevisionRef;
  /** The revision whose content comes back; `undefined`: the one that regions ran before. */
  readonly to?: number | undefined;
}

/** @throws RevisionError `change_invalid` */
export function checkAuthor({ author, message, change, after }: Author): void {
  if (!isLine(author, authorLength, 1)) {
    refuse(`the author: expected 1 to ${authorLength} characters without control characters`);
  }
  if (!isLine(message, messageLength)) {
    refuse(`the message: expected at most ${messageLength} characters without control characters`);
  }
  if (change !== undefined && !noncePattern.test(change)) {
    refuse('the name of the change: expected 24 hexadecimal digits');
  }
  if (after !== undefined && !(Number.isSafeInteger(after) && after >= 0)) {
    refuse('the sequence that it is to follow: expected a whole number');
  }
}

/** @throws RevisionError `change_invalid`, `rollout_invalid` */
export function checkChange(change: Omit<Change, 'base'>): void {
  checkAuthor(change);
  if (!sha256Pattern.test(change.hash)) {
    refuse('the content hash: expected 64 hexadecimal digits');
  }
  if (change.seed !== undefined && !seedPattern.test(change.seed)) {
    refuse('the name of the seed: expected 1 to 64 of A-Z, a-z, 0-9, "_" and "-"');
  }
  if (change.rollout) checkRollout(change.rollout, regionsOf(change.document));
}

function checkRollout({ waves, pauseMs, bounds }: RolloutPlan, regions: readonly string[]): void {
  const bad = (message: string) => fail('rollout_invalid', message);
  if (!Array.isArray(waves) || waves.length === 0 || !waves.every(isWave)) {
    bad('waves: expected at least one, each of at least one region');
  }
  const named = waves.flat();
  const unknown = named.find((name) => !regions.includes(name));
  if (unknown !== undefined) bad(`waves: the configuration has no region "${unknown}"`);
  const twice = named.find((name, index) => named.indexOf(name) !== index);
  if (twice !== undefined) bad(`waves: region "${twice}" is named twice`);
  const missing = regions.find((name) => !named.includes(name));
  if (missing !== undefined) bad(`waves: region "${missing}" is in none`);
  if (!(Number.isSafeInteger(pauseMs) && pauseMs >= 0 && pauseMs <= longestPauseMs)) {
    bad(`the pause: expected 0 to ${longestPauseMs} ms`);
  }
  for (const name of ['errorShare', 'readyShare'] as const) {
    if (!(bounds[name] >= 0 && bounds[name] <= 1)) bad(`${name}: expected a share from 0 to 1`);
  }
}

/** Names of the regions of a document. */
function regionsOf(document: unknown): readonly string[] {
  return [...nodesOf(document).keys()];
}

/**
 * Names of the nodes of each region, by a document that was accepted before it was stored:
 * to read these needs no validation of the rest. What is malformed has no nodes.
 */
export function nodesOf(document: unknown): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const [region, fields] of Object.entries(fieldOf(document, 'regions') ?? {})) {
    const nodes = Object.keys(fieldOf(fields, 'nodes') ?? {});
    found.set(region, nodes.length > 0 ? nodes : [region]);
  }
  return found;
}

function fieldOf(value: unknown, name: string): object | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  const field = (value as Readonly<Record<string, unknown>>)[name];
  return typeof field === 'object' && field !== null ? field : undefined;
}

function refuse(what: string): never {
  return fail('change_invalid', what);
}
