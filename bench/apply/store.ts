import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { systemClock } from '../../src/base/clock.ts';
import { acceptDocument } from '../../src/config/document.ts';
import type { RevisionRef } from '../../src/revisions/revision.ts';
import { Revisions } from '../../src/revisions/revisions.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { exampleConfig, regionNames, until } from '../../test/support/stack.ts';
import { childrenOf } from '../process-cpu.ts';
import { BusyMeter } from './busy.ts';
import { startCluster } from './deployment.ts';
import { type Document, marked } from './example.ts';
import { heldBy, pairsOf } from './held.ts';
import type { MemoryOptions, MemoryReport } from './memory.ts';
import { monotonicMs } from './monotonic.ts';
import { folderBytes, wordsOf } from './process-figures.ts';

/**
 * What revisions and acknowledgements leave behind in the servers of the store, without any
 * node: many more of them in the same time. The warm-up is over when the files of the
 * bucket have been compacted for the first time.
 */
export async function measureStore({
  warmUp,
  applies,
  settleMs,
  deadlineMs,
}: MemoryOptions): Promise<MemoryReport> {
  const cluster = await startCluster(randomBytes(24).toString('hex'));
  const stores = regionNames.map((region) => openStore(cluster.storeOptions(region), systemClock));
  try {
    const writer = new Writer(stores);
    await until('the store takes writes', () => writer.isReady(), 30_000);
    const busy = new BusyMeter();
    const servers = childrenOf(process.pid).filter((pid) => /nats-server$/.test(wordsOf(pid)[0]!));
    const folders = servers.map((pid) =>
      dirname(wordsOf(pid).find((word) => word.endsWith('.conf'))!),
    );
    const look = async () => {
      await sleep(settleMs);
      const bytes = folders.reduce((sum, folder) => sum + folderBytes(folder), 0);
      return { held: await heldBy(servers), bytes };
    };
    for (let count = 0; count < warmUp; count++) await writer.write();
    const before = await look();
    let count = 0;
    for (; count < applies && monotonicMs() < deadlineMs; count++) await writer.write();
    const after = await look();
    return {
      warmUp,
      applies: count,
      held: pairsOf(before.held, after.held),
      storeBytes: [before.bytes, after.bytes],
      busy: busy.read(),
    };
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await cluster.close();
  }
}

/** Applies through each region in turn, and acknowledges for a node in each. */
class Writer {
  readonly #revisions: readonly Revisions[];
  #document = parse(readFileSync(exampleConfig, 'utf8')) as Document;
  #base: RevisionRef | undefined;
  #count = 0;

  constructor(stores: readonly Store[]) {
    this.#revisions = stores.map((store) => new Revisions(store, systemClock));
  }

  async isReady(): Promise<boolean> {
    return Promise.all(this.#revisions.map((one) => one.head('leader'))).then(
      () => true,
      () => false,
    );
  }

  async write(): Promise<void> {
    const count = ++this.#count;
    const document = marked(this.#document, count);
    const { revision: hash } = acceptDocument(document, 'the example');
    const { sequence } = await this.#revisions[count % regionNames.length]!.apply({
      document,
      hash,
      base: this.#base,
      author: 'bench',
      message: '',
    });
    this.#document = document;
    this.#base = { sequence, hash };
    await Promise.all(
      regionNames.map((region, index) =>
        this.#revisions[index]!.acknowledge({
          version: 1,
          region,
          node: region,
          running: { sequence, hash },
          durationMs: 1,
          refused: undefined,
          pendingRestart: [],
          at: new Date().toISOString(),
        }),
      ),
    );
  }
}
