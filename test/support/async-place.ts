import { ManualClock } from '../../src/base/manual-clock.ts';
import { AsyncBucket } from '../../src/data/async/async-bucket.ts';
import { Copier } from '../../src/data/async/copier.ts';
import { KeyLog } from '../../src/data/async/key-log.ts';
import { Losers } from '../../src/data/async/losers.ts';
import { Writer } from '../../src/data/async/writer.ts';
import { MemoryLog } from '../../src/store/memory/memory-log.ts';
import type { LogMessage } from '../../src/store/regional-log.ts';
import type { Store } from '../../src/store/store.ts';

const silent = () => {};
const events = { debug: silent, info: silent, warn: silent, error: silent };
const conflictsMs = 86_400_000;
const sizeBytes = 1024 * 1024;

/**
 * A region with an `async` bucket in memory and a clock of its own, to which what other
 * regions wrote comes by hand.
 */
export class AsyncPlace {
  readonly region: string;
  readonly clock: ManualClock;
  /** Of one node, which remembers keys; the bucket is another one's. */
  readonly copier: Copier;
  readonly writer: Writer;
  readonly log: MemoryLog;
  readonly lost: MemoryLog;
  readonly #ttlMs: number | undefined;
  #bucket: AsyncBucket;

  /** @param of the region has this node already: another one, with the same clock and disk. */
  constructor(region: string, ttlMs?: number, aheadMs = 0, of?: AsyncPlace) {
    this.region = region;
    this.clock = of?.clock ?? new ManualClock(1_700_000_000_000 + aheadMs);
    this.#ttlMs = ttlMs;
    this.log = of?.log ?? new MemoryLog('b', this.clock);
    this.lost = of?.lost ?? new MemoryLog('b_lost', this.clock);
    this.#bucket = this.#open();
    const wallMs = () => this.clock.wallMs();
    const keys = new KeyLog(this.log, sizeBytes);
    const losers = new Losers(this.lost, conflictsMs, wallMs);
    this.copier = new Copier({ keys, losers, region, ttlMs, wallMs });
    this.writer = new Writer({ bucket: 'b', keys, losers, region, ttlMs, wallMs });
  }

  /** Another node of the region. */
  another(): AsyncPlace {
    return new AsyncPlace(this.region, this.#ttlMs, 0, this);
  }

  get bucket(): AsyncBucket {
    return this.#bucket;
  }

  /** The node is started again, with what is on the disks. */
  async restart(): Promise<void> {
    await this.#bucket.close();
    this.#bucket = this.#open();
  }

  /** What the region wrote last to each key. */
  written(): Promise<readonly LogMessage[]> {
    return this.log.lastOfEach(`${this.region}.k.>`);
  }

  async copyFrom(other: AsyncPlace): Promise<void> {
    for (const message of await other.written()) await this.copier.copy(message);
  }

  async close(): Promise<void> {
    await this.#bucket.close();
  }

  #open(): AsyncBucket {
    const { region, clock } = this;
    const regionalLog: Store['regionalLog'] = (name, settings) => {
      const log = name === 'b' ? this.log : this.lost;
      log.settings = settings;
      return log;
    };
    const settings = {
      consistency: 'async',
      maximumValue: 1024,
      maximumSize: sizeBytes,
      conflicts: conflictsMs,
      residency: [region],
      ttl: this.#ttlMs,
    } as const;
    const store = { regionalLog } as Store;
    const context = { store, region, regions: [region], node: region, clock, log: events };
    return new AsyncBucket('b', { ...settings, residency: [region] }, context);
  }
}
