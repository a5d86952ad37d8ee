import type { NatsConnection } from '@nats-io/transport-node';
import { isStoreError } from '../errors.ts';
import type { Link } from './link.ts';
import { sleep } from './sleep.ts';

const againMs = 250;

export interface KeepFollowingOptions<T> {
  readonly link: Link;
  readonly ending: AbortSignal;
  /** What to follow now. */
  choose(): T;
  /** Until something is wrong, or `signal` aborts: `choose` has chosen otherwise, or it ends. */
  follow(connection: NatsConnection, chosen: T, signal: AbortSignal): Promise<void>;
}

/**
 * Follows over connections and servers: whatever ends it, it begins again 250 ms later, until
 * `ending`.
 *
 * @throws {StoreError} `position_lost`
 */
export async function keepFollowing<T>(options: KeepFollowingOptions<T>): Promise<void> {
  const { link, ending, choose, follow } = options;
  while (!ending.aborted) {
    const connection = link.connection.current;
    if (connection) {
      const chosen = choose();
      const otherwise = new AbortController();
      const looking = setInterval(() => {
        if (choose() !== chosen) otherwise.abort();
      }, againMs);
      try {
        await follow(connection, chosen, AbortSignal.any([ending, otherwise.signal]));
      } catch (error) {
        // Whatever else it was, the next round finds out; `status` says what is wrong.
        if (isStoreError(error, 'position_lost')) throw error;
      } finally {
        clearInterval(looking);
      }
    }
    await sleep(againMs, ending);
  }
}
