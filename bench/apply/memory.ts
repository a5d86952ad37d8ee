import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/support/stack.ts';
import { quantile } from '../statistics.ts';
import type { Applying } from './applying.ts';
import { type Busy, BusyMeter } from './busy.ts';
import type { Deployment } from './deployment.ts';
import { threadsPerNode } from './example.ts';
import type { LiveHeap } from './live-heap.ts';
import { monotonicMs } from './monotonic.ts';
import { folderBytes, processFigures, wordsOf } from './process-figures.ts';

/** One process at rest. */
export interface Held {
  readonly residentBytes: number;
  readonly threads: number;
  readonly descriptors: number;
  /** Of a node, over its threads; after a full collection. */
  readonly liveBytes: number | undefined;
  readonly handles: number | undefined;
}

export interface MemoryReport {
  readonly applies: number;
  /** By process: after the warm-up, and after all. */
  readonly held: Readonly<Record<string, readonly [Held, Held]>>;
  /** Of the store's files in all regions. */
  readonly storeBytes: readonly [number, number];
  readonly busy: Busy;
}

export interface MemoryOptions {
  readonly warmUp: number;
  readonly applies: number;
  readonly settleMs: number;
  readonly deadlineMs: number;
}

const samples = 7;
const sampleEveryMs = 500;

/** Where the nodes of a deployment write what their heaps hold. */
export class HeapFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'meridian-bench-heaps-'));

  /** For the nodes of a stack; workers inherit it. */
  get environment(): NodeJS.ProcessEnv {
    const module = new URL('./live-heap.ts', import.meta.url);
    return { BENCH_HEAP_DIRECTORY: this.path, NODE_OPTIONS: `--import=${module}` };
  }

  /** What each thread of a node holds. */
  async ask(pid: number): Promise<readonly LiveHeap[]> {
    const before = this.#of(pid).length;
    process.kill(pid, 'SIGWINCH');
    const all = () => this.#of(pid);
    await until(`the heaps of node ${pid}`, () => all().length >= before + threadsPerNode);
    await sleep(100); // the last one is being written
    const read = (name: string) => JSON.parse(readFileSync(join(this.path, name), 'utf8'));
    return all().slice(-threadsPerNode).map(read) as LiveHeap[];
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** PID.ROUND.THREAD.json, in the order of rounds. */
  #of(pid: number): string[] {
    const round = (name: string) => Number(name.split('.')[1]);
    return readdirSync(this.path)
      .filter((name) => name.startsWith(`${pid}.`) && name.endsWith('.json'))
      .toSorted((a, b) => round(a) - round(b));
  }
}

/** What many applies leave behind in the nodes and in the store's servers. */
export async function measureMemory(
  applying: Applying,
  heaps: HeapFolder,
  { warmUp, applies, settleMs, deadlineMs }: MemoryOptions,
): Promise<MemoryReport> {
  const busy = new BusyMeter();
  const { deployment } = applying;
  const look = async () => {
    await sleep(settleMs);
    return { held: await heldBy(deployment, heaps), storeBytes: storeBytes(deployment) };
  };
  for (let count = 0; count < warmUp; count++) await applying.apply();
  const before = await look();
  let count = 0;
  for (; count < applies && monotonicMs() < deadlineMs; count++) await applying.apply();
  const after = await look();
  const both = [...before.held].map(([name, held]) => [name, [held, after.held.get(name)!]]);
  return {
    applies: count,
    held: Object.fromEntries(both) as MemoryReport['held'],
    storeBytes: [before.storeBytes, after.storeBytes],
    busy: busy.read(),
  };
}

async function heldBy(
  deployment: Deployment,
  heaps: HeapFolder,
): Promise<ReadonlyMap<string, Held>> {
  const named = deployment.pids.flatMap((pid) => {
    const name = nameOf(wordsOf(pid));
    return name === undefined ? [] : [{ pid, name }];
  });
  const resident = new Map(named.map(({ pid }) => [pid, [] as number[]]));
  for (let sample = 0; sample < samples; sample++) {
    for (const { pid } of named) resident.get(pid)!.push(processFigures(pid).residentBytes);
    await sleep(sampleEveryMs);
  }
  const held = new Map<string, Held>();
  for (const { pid, name } of named.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const { threads, descriptors } = processFigures(pid);
    const live = name.startsWith('node ') ? await heaps.ask(pid) : undefined;
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

/** `node REGION`, `hub REGION`, `leaf REGION`; `undefined` for what is not measured. */
function nameOf(words: readonly string[]): string | undefined {
  if (words.includes('run')) return `node ${words[words.indexOf('--region') + 1]}`;
  const [, region, kind] =
    /\/regions\/([^/]+)\/store\/(hub|leaf)\.conf/.exec(words.join(' ')) ?? [];
  return kind === undefined ? undefined : `${kind} ${region}`;
}

function storeBytes({ stack }: Deployment): number {
  const regions = join(stack.state, 'regions');
  const folders = readdirSync(regions).map((region) => join(regions, region, 'store'));
  return folders.filter(existsSync).reduce((sum, folder) => sum + folderBytes(folder), 0);
}
