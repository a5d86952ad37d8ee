import type { RateFeed } from './feed/rate-feed.ts';
import type { Resources } from './http/api.ts';
import type { SharedData } from './shared-data.ts';

/** What a service is made from. */
export interface ServiceContext {
  readonly service: string;
  readonly region: string;
  readonly feed: RateFeed;
  /** `undefined`: the service is run without. */
  readonly data?: SharedData | undefined;
}

export interface Service {
  readonly resources: Resources;
  /** Ends what would outlive its requests. */
  close(): void;
}
