import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../statistics.ts';
import type { HeapFolder } from './heap-folder.ts';
import { processFigures, wordsOf } from './process-figures.ts';

/** What one process holds while it rests. */
export interface Held {
  /** The median of several looks. */
  readonly residentBytes: number;
  readonly threads: number;
  readonly descriptors: number;
  /** Of a node, over its threads; after a full collection. */
  readonly liveBytes: number | undefined;
  readonly handles: number | undefined;
}

const samples = 7;
const sampleEveryMs = 500;

/** By name, sorted; what is neither a node nor a server of the store is left out. */
export async function heldBy(
  pids: readonly number[],
  heaps?: HeapFolder,
): Promise<ReadonlyMap<string, Held>> {
  const named = pids
    .map((pid) => ({ pid, name: nameOf(wordsOf(pid)) }))
    .filter((one): one is { pid: number; name: string } => one.name !== undefined)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const resident = new Map(named.map(({ pid }) => [pid, [] as number[]]));
  for (let sample = 0; sample < samples; sample++) {
    for (const [pid, bytes] of resident) bytes.push(processFigures(pid).residentBytes);
    await sleep(sampleEveryMs);
  }
  const held = new Map<string, Held>();
  for (const { pid, name } of named) {
    const { threads, descriptors } = processFigures(pid);
    const live = name.startsWith('node ') ? await heaps?.ask(pid) : undefined;
    held.set(name, {
      residentBytes: quantile(resident.get(pid)!, 0.5),
      threads,
      descriptors,
      liveBytes: live?.reduce((sum, one) => sum + one.heapBytes + one.externalBytes, 0),
      handles: live?.reduce((sum, one) => sum + one.handles.length, 0),
    });
  }
  return held;
}

/** `node REGION`, `hub REGION`, `leaf REGION`, by its command line. */
function nameOf(words: readonly string[]): string | undefined {
  if (words.includes('run')) return `node ${words[words.indexOf('--region') + 1]}`;
  const config = words.find((word) => word.endsWith('.conf')) ?? '';
  const [, region, kind] =
    /\/([^/]+)\/store\/(hub|leaf)\.conf$/.exec(config) ??
    /\/([^/]+)\/(hub|leaf)\/server\.conf$/.exec(config) ??
    [];
  return kind === undefined ? undefined : `${kind} ${region}`;
}

/** Names with what they held before and after; those that were there both times. */
export function pairsOf(
  before: ReadonlyMap<string, Held>,
  after: ReadonlyMap<string, Held>,
): Readonly<Record<string, readonly [Held, Held]>> {
  const pairs = [...before].flatMap(([name, held]) => {
    const then = after.get(name);
    return then ? [[name, [held, then] as const] as const] : [];
  });
  return Object.fromEntries(pairs);
}
