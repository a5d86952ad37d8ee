import type { BucketClient, Entry, ListCallOptions } from '../../../../src/data/client/public.ts';
import { MemoryDataBucket } from '../../../../test/support/memory-bucket.ts';
import type { SharedData } from '../shared-data.ts';

/** Buckets of this process, as the client shows them. */
export class MemoryData implements SharedData {
  readonly buckets = {
    history: new MemoryDataBucket('history', { consistency: 'async' }),
    ledger: new MemoryDataBucket('ledger'),
  };
  readonly history = clientOf(this.buckets.history);
  /** How the entries of the ledger were asked for last. */
  asked: ListCallOptions | undefined;
  readonly ledger = clientOf(this.buckets.ledger, (asked) => {
    this.asked = asked;
  });
}

function clientOf(
  bucket: MemoryDataBucket,
  onList: (asked: ListCallOptions) => void = () => undefined,
): BucketClient {
  return {
    name: bucket.name,
    get: (key, options) => bucket.get(key, options),
    getAll: (keys, options) => bucket.getAll(keys, options),
    put: (key, value, condition) => bucket.put(key, Buffer.from(value), condition),
    delete: (key, condition) => bucket.delete(key, condition),
    async *list(options = {}): AsyncGenerator<Entry, void> {
      onList(options);
      const { prefix } = options;
      yield* (await bucket.list({ prefix, limit: 1_000 })).entries;
    },
    async *lostWrites() {
      yield* (await bucket.lostWrites({ limit: 1_000 })).writes;
    },
    watch() {
      throw new Error('not watched here');
    },
  };
}
