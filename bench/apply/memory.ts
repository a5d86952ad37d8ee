import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Applying } from './applying.ts';
import { type Busy, BusyMeter } from './busy.ts';
import type { Deployment } from './deployment.ts';
import type { HeapFolder } from './heap-folder.ts';
import { type Held, heldBy, pairsOf } from './held.ts';
import { monotonicMs } from './monotonic.ts';
import { folderBytes } from './process-figures.ts';

export interface MemoryReport {
  readonly warmUp: number;
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
    return { held: await heldBy(deployment.pids, heaps), storeBytes: storeBytes(deployment) };
  };
  for (let count = 0; count < warmUp; count++) await applying.apply();
  const before = await look();
  let count = 0;
  for (; count < applies && monotonicMs() < deadlineMs; count++) await applying.apply();
  const after = await look();
  return {
    warmUp,
    applies: count,
    held: pairsOf(before.held, after.held),
    storeBytes: [before.storeBytes, after.storeBytes],
    busy: busy.read(),
  };
}

function storeBytes({ stack }: Deployment): number {
  const regions = join(stack.state, 'regions');
  const folders = readdirSync(regions).map((region) => join(regions, region, 'store'));
  return folders.filter(existsSync).reduce((sum, folder) => sum + folderBytes(folder), 0);
}
