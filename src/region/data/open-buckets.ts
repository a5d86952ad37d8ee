import { isDeepStrictEqual } from 'node:util';
import type { DataBucketStatus } from '../../data/bucket.ts';
import type { DataContext, OpenBucket, OpenDataBucket } from '../../data/create-bucket.ts';
import type { ServedBuckets } from '../../data/server/call.ts';
import type { BucketPlan, DataPlan } from './data-plan.ts';

interface Open {
  readonly plan: BucketPlan;
  readonly bucket: OpenDataBucket;
}

/** The buckets of a plan that are resident here, opened; from plan to plan those stay that stay the same. */
export class OpenBuckets {
  readonly #openBucket: OpenBucket;
  readonly #context: Omit<DataContext, 'regions'>;
  readonly #open = new Map<string, Open>();

  constructor(openBucket: OpenBucket, context: Omit<DataContext, 'regions'>) {
    this.#openBucket = openBucket;
    this.#context = context;
  }

  /** What is to be served from now on. What is not part of it any more is closed. */
  use(plan: DataPlan): ServedBuckets {
    for (const [name, open] of this.#open) {
      const next = Object.hasOwn(plan.buckets, name) ? plan.buckets[name] : undefined;
      if (isDeepStrictEqual(next, open.plan)) continue;
      this.#open.delete(name);
      // Its background ends now, before the one that takes its place begins.
      void open.bucket.close();
    }
    const served = new Map(
      Object.entries(plan.buckets).map(([name, own]) => {
        const { settings, regions, resident } = own;
        const bucket = resident ? this.#bucket(name, own) : undefined;
        const { consistency, maximumValue: maximumValueBytes } = settings;
        return [name, { consistency, maximumValueBytes, regions, bucket }];
      }),
    );
    return served;
  }

  statuses(): Record<string, DataBucketStatus> {
    return Object.fromEntries([...this.#open].map(([name, { bucket }]) => [name, bucket.status()]));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ bucket }) => bucket.close()));
    this.#open.clear();
  }

  #bucket(name: string, plan: BucketPlan): OpenDataBucket {
    const open = this.#open.get(name);
    if (open) return open.bucket;
    const { settings, regions } = plan;
    const bucket = this.#openBucket(name, settings, { ...this.#context, regions });
    this.#open.set(name, { plan, bucket });
    return bucket;
  }
}
