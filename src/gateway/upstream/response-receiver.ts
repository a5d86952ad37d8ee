import type { ServiceConfig } from '../../config/schema/service.ts';
import type { AttemptFailure } from '../exchange/retry.ts';
import type { ResponseHead } from '../http1/response-parser.ts';
import type { UpstreamStream } from './upstream-stream.ts';

/** Who sent the request that an upstream stream carries and takes its response. */
export interface ResponseReceiver {
  readonly method: string;
  /** In milliseconds: of the service that the request is for. */
  readonly timeouts: ServiceConfig['timeouts'];
  /** Until a connection that is made for it must stand. */
  readonly connectMs: number;
  /** The connection stands: send the head now. */
  onReady(stream: UpstreamStream): void;
  /** A 1xx other than 101. */
  onInterim(head: ResponseHead): void;
  onHead(head: ResponseHead, stream: UpstreamStream): void;
  /** Content bytes[start,end). The memory is borrowed: valid until the call returns. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** All that one read brought has been handed over. */
  onPause(): void;
  onEnd(trailers: readonly string[]): void;
  /** The response broke off after its head was handed over, or after a switch. */
  onTruncated(): void;
  /** The attempt failed before a response head. Not called after `detach`. */
  onFailure(failure: AttemptFailure): void;
  /** The health table has changed, and no response has begun. */
  onHealthChanged(): void;
  /** Request bytes are taken again. */
  onDrain(): void;
  /** The protocol that the request offered to switch to, if any. */
  readonly upgrade: string | undefined;
  /** 101: from now on bytes come by `onData` and `onPause` until `onSwitchedEnd`. */
  onSwitch(head: ResponseHead, stream: UpstreamStream): void;
  /** After a switch: the peer sends no more; the other direction may go on. */
  onSwitchedEnd(): void;
  /** After a switch: both directions have ended, and the connection is closed. */
  onSwitchedClosed(): void;
}
