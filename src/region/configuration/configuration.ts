import type { Config } from '../../config/schema/config.ts';
import type { RevisionInfo } from '../../revisions/revision.ts';
import type { SealedSecret } from '../../secrets/secrets.ts';
import type { Locator } from '../../steering/geo/locator.ts';
import type { OwnNode } from '../own-node.ts';
import type { Material } from './material.ts';

/** Where a revision came from: the store, or the file of a node without one. */
export type Origin = 'store' | 'file';

/** How this process came by it. */
export type Source = Origin | 'snapshot' | 'peer' | 'bundle';

/** A configuration by its names, with what it needs from elsewhere; nothing is opened yet. */
export interface Accepted {
  readonly config: Config;
  /** As written. */
  readonly document: unknown;
  /** Content hash. */
  readonly hash: string;
  /** The revision in the store that it is; `undefined`: of a file. */
  readonly info: RevisionInfo | undefined;
  /** SOA serial of the zones; rises with every revision. */
  readonly serial: number;
  readonly origin: Origin;
  readonly source: Source;
  /** The event that made it a revision, where there was one (`--seed`). */
  readonly seed: string | undefined;
  /** When it was accepted: read from the file now, applied or written to the snapshot then. */
  readonly acceptedAtMs: number;
  /** The secrets of the store that it names, sealed, as far as they are at hand. */
  readonly secrets: SealedSecrets;
}

export type SealedSecrets = Readonly<Record<string, SealedSecret>>;

/** 0: of a file. */
export function sequenceOf({ info }: Pick<Accepted, 'info'>): number {
  return info?.sequence ?? 0;
}

/** A revision with everything that it needs from elsewhere opened: ready to be compiled. */
export interface Configuration extends Accepted {
  readonly own: OwnNode;
  readonly material: Material;
  /** For the main thread; DNS threads load their own. */
  readonly locator: Locator;
  /** What is wrong although the node can serve, one sentence each. */
  readonly degraded: readonly string[];
  /** Why the configuration file was refused in whose place this is served; `undefined`: it was not. */
  readonly fileRefused: string | undefined;
}
