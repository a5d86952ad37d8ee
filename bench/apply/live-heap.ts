import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapStatistics, setFlagsFromString, writeHeapSnapshot } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

/*
 * Loaded into the nodes of a bench by `--import`, in every thread: on SIGWINCH each writes
 * what its heap holds after a full collection. The product knows nothing of it.
 */

export interface LiveHeap {
  readonly thread: number;
  readonly heapBytes: number;
  /** Held outside the heap by its objects. */
  readonly externalBytes: number;
  /** What keeps the event loop: timers, sockets, … by name. */
  readonly handles: readonly string[];
}

const directory = process.env.BENCH_HEAP_DIRECTORY;
/** Of the processes of a stack only nodes have worker threads, whose `argv` is their own. */
const isNode = !isMainThread || (process.argv.includes('run') && process.argv.includes('--region'));

if (directory !== undefined && isNode) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const channel = new BroadcastChannel('bench-live-heap');
  channel.unref();
  let round = 0;
  const write = (place: string) => {
    // Twice, with a turn of the event loop between: what has a finaliser needs both.
    collect();
    setImmediate(() => {
      collect();
      const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
      const handles = process.getActiveResourcesInfo().toSorted();
      const figures: LiveHeap = { thread: threadId, heapBytes, externalBytes, handles };
      const name = `${process.pid}.${round++}.${threadId}`;
      writeFileSync(join(place, `${name}.json`), JSON.stringify(figures));
      if (process.env.BENCH_HEAP_SNAPSHOTS) writeHeapSnapshot(join(place, `${name}.heapsnapshot`));
    });
  };
  channel.onmessage = () => write(directory);
  if (isMainThread) {
    process.on('SIGWINCH', () => {
      channel.postMessage('write');
      write(directory);
    });
  }
}
