import type { ConnectionOrigin } from '../exchange/forwarding.ts';

/** A client connection of whatever version, as the gateway looks after it. */
export interface Client {
  readonly origin: ConnectionOrigin;
  /**
   * Closes the connection when no request is under way and none comes within `dismissMs`, or
   * at once (`last`). One that works on requests closes after them.
   */
  drain(last: boolean): void;
  /** Ends at once. */
  abort(): void;
}
