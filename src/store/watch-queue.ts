import { LatestQueue } from './latest-queue.ts';
import type { Watch, WatchEvent } from './store.ts';

/** The events of a bucket's watch. */
export class WatchQueue extends LatestQueue<WatchEvent> implements Watch {
  push(event: WatchEvent): void {
    this.add(event, event.type === 'caughtUp' ? undefined : event.key);
  }
}
