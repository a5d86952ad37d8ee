import type { OutgoingRequest } from '../http1/serialise.ts';
import type { ResponseReceiver } from './response-receiver.ts';

/**
 * What carries one request to an upstream: an HTTP/1.1 connection taken for its time, or a
 * stream of an HTTP/2 one. Its response goes to the `ResponseReceiver` it was acquired for.
 *
 *   send ─▶ data* ─▶ end          `flush` before returning to the event loop
 */
export interface UpstreamStream {
  /** The head, and how the body that follows ends. */
  send(request: OutgoingRequest): void;
  /** Content, owned: the memory is not reused. */
  data(part: Buffer): void;
  /** The whole request has been given. */
  end(trailers: readonly string[]): void;
  /** False: it takes no more for now; the receiver's `onDrain` follows. */
  flush(): boolean;

  /** The client does not take the response fast enough. */
  pause(): void;
  resume(): void;

  /** The receiver loses interest. What is left of the response may be read to its end. */
  detach(): void;
  /** The request is cancelled. */
  close(): void;

  /** After a switch: the client sends no more. */
  endSwitched(): void;
  /** After a switch, both sides have ended: what the peer has not taken yet still goes. */
  finish(): void;
}

/** A request under way whose response has not begun, for looking at it again. */
export interface PendingRequest {
  readonly awaitingHead: boolean;
  readonly receiver: ResponseReceiver | undefined;
}

/** The connections of one thread to one upstream. */
export interface UpstreamPool {
  /** Connections that are open or being opened. */
  readonly size: number;
  /**
   * Gives `receiver` a stream; its `onReady` is called at once where a connection stands,
   * later else. `undefined`: all that may be opened are in use.
   *
   * @param fresh not on a connection that has stood idle
   */
  acquire(receiver: ResponseReceiver, fresh: boolean): UpstreamStream | undefined;
  /** Of all its connections. */
  pending(): Iterable<PendingRequest>;
  /** Off: connections without a request close, at once or when they have none. */
  keepIdle(on: boolean): void;
  /** Closes some of those without a request. False: there are none. */
  trim(): boolean;
  /** Connections to these addresses take no further request. */
  leave(addresses: ReadonlySet<string>): void;
  close(): void;
}
