import type { RateFeed } from './feed/rate-feed.ts';
import type { Resources } from './http/api.ts';

/** What a service is made from. */
export interface ServiceContext {
  readonly service: string;
  readonly region: string;
  readonly feed: RateFeed;
}

export interface Service {
  readonly resources: Resources;
  /** Ends what would outlive its requests. */
  close(): void;
}
