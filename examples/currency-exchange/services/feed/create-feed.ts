import type { FeedSettings } from '../environment.ts';
import { createHttpFeed } from './http-feed.ts';
import type { RateFeed } from './rate-feed.ts';
import { createSimulatedFeed } from './simulated-feed.ts';

const providerTimeoutMs = 3_000;

/** The provider's rates when there is one, else simulated ones. */
export function createFeed({ url, seed, intervalMs }: FeedSettings): RateFeed {
  if (url) {
    return createHttpFeed({ url, intervalMs, timeoutMs: providerTimeoutMs, log: console.error });
  }
  return createSimulatedFeed({ seed, tickMs: intervalMs });
}
