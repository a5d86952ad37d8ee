import { MeridianError } from '../base/errors.ts';
import { isStoreError } from '../store/errors.ts';
import type { Bucket } from '../store/store.ts';
import {
  encodeLease,
  type LeaseDocument,
  type LeaseEntry,
  parseLease,
  type Terms,
  tokenOf,
} from './lease-document.ts';

export type ExclusiveErrorCode =
  | 'exclusive_unknown'
  | 'exclusive_region'
  | 'exclusive_unfit'
  | 'exclusive_not_held'
  | 'exclusive_held'
  | 'exclusive_contended';

/** What an operator wants: that `to` be active. */
export interface Wish {
  readonly to: string;
  /** He knows that the nodes which hold and are not heard have stopped. */
  readonly force: boolean;
}

/** What the node that is asked knows. */
export interface Knowledge {
  readonly highestRevision: number;
  /** Nodes of the holder that hold and are not heard. */
  silentIn(document: LeaseDocument): readonly string[];
}

const mostTries = 8;

/**
 * Writes the wish into the lease of that name, for the holder to follow.
 *
 * @throws MeridianError with an `ExclusiveErrorCode`, or an error of the store
 */
export async function handOver(
  bucket: Pick<Bucket, 'get' | 'create' | 'update'>,
  name: string,
  wish: Wish,
  wallMs: number,
  known: Knowledge,
): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    const entry = await bucket.get(name, { from: 'leader' });
    const { revision = 0, value } = entry ?? {};
    const document = (value && parseLease(value)) ?? emptyFor(name, wish, wallMs);
    const silent = known.silentIn(document);
    if (!wish.force && silent.length > 0) refuseFor(document, silent);
    const next = wished({ revision, document }, wish, { ...known, silent });
    if (!next) return;
    try {
      if (entry) await bucket.update(name, encodeLease(next), revision);
      else await bucket.create(name, encodeLease(next));
      return;
    } catch (error) {
      const isOther = isStoreError(error, 'revision_mismatch') || isStoreError(error, 'key_exists');
      if (!isOther) throw error;
    }
  }
  refuse('exclusive_contended', `the lease of ${name} changes too often: try again`);
}

/**
 * What is to stand there for it; `undefined`: nothing else than does. By force nobody waits for
 * the word of those who hold; where the region is active already, not for that of the silent.
 */
export function wished(
  { revision, document }: LeaseEntry & { readonly document: LeaseDocument },
  { to, force }: Wish,
  { silent, highestRevision }: Pick<Knowledge, 'highestRevision'> & { silent: readonly string[] },
): LeaseDocument | undefined {
  const token = tokenOf({ revision, document });
  const before = Math.max(highestRevision, document.highest ?? 0);
  // Who holds on unseen since the store was set back is waited for no more.
  const highest = force && before > revision ? before : document.highest;
  const names = Object.keys(document.nodes);
  if (document.holder !== to || names.length === 0) {
    const nodes = force ? withoutHold(document.nodes, names) : document.nodes;
    return { ...document, token, nodes, to, highest };
  }
  // Without either nothing stands in the way of the region.
  if (!force || (silent.length === 0 && highest === document.highest)) return undefined;
  return { ...document, token, nodes: withoutHold(document.nodes, silent), to: undefined, highest };
}

function withoutHold(
  nodes: LeaseDocument['nodes'],
  names: readonly string[],
): Record<string, Terms> {
  const entries = Object.entries(nodes).map(([name, terms]): [string, Terms] => [
    name,
    names.includes(name) ? { ...terms, hold: false } : terms,
  ]);
  return Object.fromEntries(entries);
}

/** Where nothing stands there: free at once. */
function emptyFor(name: string, { to, force }: Wish, wallMs: number): LeaseDocument {
  if (!force) refuse('exclusive_not_held', `no region was ever active for ${name}`);
  const since = Math.max(0, Math.floor(wallMs));
  return { holder: to, token: undefined, since, nodes: {}, to, highest: undefined };
}

function refuseFor({ holder }: LeaseDocument, silent: readonly string[]): never {
  const one = silent.length === 1;
  const message =
    `${silent.join(' and ')} of ${holder} ${one ? 'holds on and is' : 'hold on and are'} not heard, ` +
    `so nobody knows whether ${one ? 'it has' : 'they have'} stopped: start ${one ? 'it' : 'them'} again, ` +
    `or use force once that is certain`;
  refuse('exclusive_held', message, { nodes: silent });
}

export function refuse(
  code: ExclusiveErrorCode,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): never {
  throw new MeridianError<ExclusiveErrorCode>(code, message, details && { details });
}
