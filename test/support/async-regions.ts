import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { DataBucketConfig } from '../../src/config/schema/data.ts';
import { AsyncBucket } from '../../src/data/async/async-bucket.ts';
import type { LogFields } from '../../src/observability/log.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from './eventually.ts';
import { NatsCluster, type NatsClusterOptions } from './nats-cluster.ts';

const silent = () => {};
export interface OpenOptions {
  readonly residency?: string[];
  readonly node?: string;
  /** Of the node's clock, against the real one. */
  readonly aheadMs?: number;
  readonly ttl?: number;
}

/** Regions with a voter and a leaf each, and nodes with `async` buckets. */
export class AsyncRegions {
  readonly regions: readonly string[];
  readonly cluster: NatsCluster;
  /** The node of each region that last went on duty for any bucket. */
  readonly onDuty = new Map<string, string>();
  /** `ap of us from eu`: what us wrote is asked of eu. */
  readonly secondHand = new Set<string>();
  readonly #stores: Store[] = [];
  readonly #buckets: AsyncBucket[] = [];

  private constructor(regions: readonly string[], cluster: NatsCluster) {
    this.regions = regions;
    this.cluster = cluster;
  }

  static async start(
    regions: readonly string[],
    options: Omit<NatsClusterOptions, 'regions' | 'leaves'>,
  ): Promise<AsyncRegions> {
    const cluster = await NatsCluster.start({ regions, leaves: regions, ...options });
    return new AsyncRegions(regions, cluster);
  }

  /** As a node of the region has it. */
  open(name: string, region: string, options: OpenOptions = {}): AsyncBucket {
    const { residency, node = region, aheadMs = 0, ttl } = options;
    const settings = {
      consistency: 'async',
      maximumValue: 64 * 1024,
      maximumSize: 16 * 1024 * 1024,
      conflicts: 3_600_000,
      residency,
      ttl,
    } satisfies DataBucketConfig;
    const clock: Clock = {
      wallMs: () => systemClock.wallMs() + aheadMs,
      monotonicMs: () => systemClock.monotonicMs(),
      after: (delayMs, run) => systemClock.after(delayMs, run),
    };
    const store = openStore({ ...this.cluster.storeOptions(region), name: node, region });
    const { regions } = this;
    const info = (event: string, { of, from }: LogFields = {}) => {
      if (event === 'on duty for a bucket') this.onDuty.set(region, node);
      if (of !== undefined) this.secondHand.add(`${region} of ${of} from ${from}`);
    };
    const log = { debug: silent, info, warn: silent, error: silent };
    const bucket = new AsyncBucket(name, settings, { store, region, regions, node, clock, log });
    this.#stores.push(store);
    this.#buckets.push(bucket);
    return bucket;
  }

  /** No region reaches another; each has its leaf. */
  async cut(): Promise<void> {
    await Promise.all(this.regions.map((region) => this.cluster.kill('hub', region)));
  }

  heal(): void {
    this.cluster.startAll();
  }

  async close(): Promise<void> {
    await Promise.all(this.#buckets.map((bucket) => bucket.close()));
    await Promise.all(this.#stores.map((store) => store.close()));
    await this.cluster.close();
  }
}

/** Until each of them is written to and hears from all others. */
export async function level(buckets: readonly AsyncBucket[], others: number): Promise<void> {
  await eventually(
    'all to follow all',
    () => buckets.every((bucket) => bucket.status().lagMs.size === others),
    120_000,
  );
}
