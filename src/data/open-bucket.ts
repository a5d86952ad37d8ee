import { openAsyncBucket } from './async/async-bucket.ts';
import type { OpenBucket } from './create-bucket.ts';
import { openSyncBucket } from './sync/sync-bucket.ts';

/** Opens a bucket of either kind, in a region that holds it. Returns at once. */
export const openDataBucket: OpenBucket = (name, settings, context) => {
  const open = settings.consistency === 'sync' ? openSyncBucket : openAsyncBucket;
  return open(name, settings, context);
};
