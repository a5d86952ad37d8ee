import type { Operation } from '../http/api.ts';
import { currentRates } from './quotation.ts';
import type { RateFeed } from './rate-feed.ts';

/** `GET /health`: 503 without current rates, as another region may still reach the provider. */
export function healthOf(service: string, feed: RateFeed): Operation {
  return {
    fields: [],
    run: () => ({ service, status: 'healthy', ...currentRates(feed).origin }),
  };
}
