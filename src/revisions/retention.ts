import { isStoreError } from '../store/errors.ts';
import type { Bucket } from '../store/store.ts';
import { inParallel, partPrefix } from './content.ts';
import { isRevisionError } from './errors.ts';
import { History, historyPrefix } from './history.ts';
import { parseInfo } from './parse.ts';
import type { Head, RevisionInfo } from './revision.ts';

/** Revisions that can be looked up and come back to. */
export const keptRevisions = 100;
/** Old ones are looked for after every so many revisions. */
export const pruneEvery = 10;

export function pruneIsDue({ current }: Head): boolean {
  const before = Math.floor((current.base?.sequence ?? 0) / pruneEvery);
  return Math.floor(current.sequence / pruneEvery) > before;
}

/**
 * Deletes entries and parts that nothing refers to. Safe beside every concurrent change:
 *
 *   bucket revisions ──────────────────────────────────────────────────▶
 *        h0           parts r1 r2          h1
 *        │ apply A reads head              │ somebody's head is written
 *        └──────────────── A writes its head only if h0 still stands ─▶ refused
 *
 * - An apply reads the head at revision h0, writes its parts after that (r > h0), and its
 *   head only while h0 stands. So a part older than the head seen here (r < h1) belongs to a
 *   revision that is in the head or in the history by now, or to an apply that has lost, for
 *   ever. What is referred to by neither is garbage, and no later change can refer to it.
 * - A rollback refers to parts of a revision that is kept. If its head was written before h1,
 *   h1 or its history names them; if not, what it names was kept here.
 * - Where the history cannot be read without a gap, nothing is deleted: garbage is cheaper.
 */
export async function prune(bucket: Bucket, head: Head, headRevision: number): Promise<void> {
  const history = new History(bucket);
  const { infos, whole } = await history.before(head, keptRevisions);
  if (!whole) return;
  const kept = head.previous ? [...infos, head.previous] : infos;
  const oldest = infos.at(-1)?.sequence ?? 0;
  const sequences = new Set(kept.map(({ sequence }) => sequence));
  const nonces = new Set(kept.map(({ content }) => content.nonce));
  await dropEntries(bucket, history, (sequence) => sequence < oldest && !sequences.has(sequence));
  await dropParts(bucket, nonces, headRevision);
}

async function dropEntries(
  bucket: Bucket,
  history: History,
  isOld: (sequence: number) => boolean,
): Promise<void> {
  const keys = await bucket.keys(historyPrefix);
  const old = keys.filter((key) => isOld(Number(key.slice(historyPrefix.length))));
  await inParallel(old.length, async (index) => {
    const key = old[index]!;
    const info = await infoAt(bucket, key);
    if (info) await history.keepSeed(info);
    await bucket.delete(key);
  });
}

async function infoAt(bucket: Bucket, key: string): Promise<RevisionInfo | undefined> {
  const entry = await bucket.get(key);
  try {
    return entry && parseInfo(entry.value, key);
  } catch (error) {
    if (isRevisionError(error)) return undefined;
    throw error;
  }
}

async function dropParts(
  bucket: Bucket,
  kept: ReadonlySet<string>,
  headRevision: number,
): Promise<void> {
  const keys = await bucket.keys(partPrefix);
  const loose = keys.filter((key) => !kept.has(key.split('.')[1] ?? ''));
  await inParallel(loose.length, async (index) => {
    const key = loose[index]!;
    const entry = await bucket.get(key);
    if (entry && entry.revision < headRevision) await bucket.delete(key, entry.revision);
  });
}

/** For what runs in the background: the next one does what this one could not. */
export function tolerateStore(error: unknown): void {
  if (!isStoreError(error) && !isRevisionError(error)) throw error;
}
