import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/support/stack.ts';
import { threadsPerNode } from './example.ts';
import type { LiveHeap } from './live-heap.ts';

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
