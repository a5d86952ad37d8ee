import type { ResponseSection } from '../field-section.ts';
import { Outgoing, type Standstill } from './outgoing.ts';
import type { Outlet } from './outlet.ts';

/** Why a stream ended before its time. */
export type StreamEnd =
  /** RST_STREAM of the peer. */
  | 'reset'
  /** The peer says that it did not look at it: it may be sent again as it was (section 8.7). */
  | 'unprocessed'
  /** What came on it breaks RFC 9113, and was answered with RST_STREAM. */
  | 'malformed'
  /** The connection is over. */
  | 'connection';

/** Takes what comes on one stream. */
export interface StreamReceiver {
  /** Of a response, interim ones included. Not called for requests: see `SessionOwner.onRequest`. */
  onHead(section: ResponseSection, ended: boolean): void;
  /** Content bytes[start,end), borrowed until `onPause` returns. To be given back by `Stream.consume`. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** The peer has sent all. */
  onEnd(trailers: readonly string[]): void;
  /** All that one read brought for it has been handed over. */
  onPause(): void;
  /** `flush` had said false; now there is room again. */
  onDrain(): void;
  /** Nothing comes and nothing goes any more. `code` of RST_STREAM or GOAWAY. */
  onAbort(end: StreamEnd, code: number): void;
}

const nobody: StreamReceiver = Object.freeze({
  onHead() {},
  onData() {},
  onEnd() {},
  onPause() {},
  onDrain() {},
  onAbort() {},
});

/** What a stream needs of its session. */
export interface StreamKeeper {
  readonly outlet: Outlet;
  /** Of each stream, for what the peer sends. */
  readonly receiveWindow: number;
  /** Gives it an id; called as its first frame goes out. */
  begin(stream: Stream): void;
  /** Octets on the connection that were taken care of. */
  consumed(bytes: number): void;
  openWindow(stream: Stream, bytes: number): void;
  /** RST_STREAM. */
  reset(stream: Stream, code: number): void;
  /** Both sides have ended. */
  ended(stream: Stream): void;
}

/**
 * One stream, of either role (RFC 9113 section 5.1). What is not drawn does not exist here: no
 * stream is reserved, since push is off.
 *
 *                       HEADERS
 *             idle ────────────────▶ open
 *                                   │    │
 *                  END_STREAM came  │    │  END_STREAM went
 *                        ┌──────────┘    └───────────┐
 *                        ▼                           ▼
 *             half-closed (remote)          half-closed (local)
 *                        │                           │
 *                        └──────────┐    ┌───────────┘
 *                    the other one  ▼    ▼
 *                                  closed  ◀──── RST_STREAM, either way, from anywhere
 *
 * The window for what comes is opened by what the receiver has consumed, never by what has come:
 *
 *   announced ─┬─ on its way ─┬─ held by the receiver ─┬─ consumed, not announced yet ─┐
 *              └──────────────┴───────────────── `receiveWindow` ──────────────────────┘
 */
export class Stream {
  readonly outgoing: Outgoing;
  /** 0 until its HEADERS went out. */
  id = 0;
  /** Given by who opens it, or to whom it comes. */
  receiver: StreamReceiver = nobody;
  /** Client: to be answered without content (HEAD). */
  headOnly = false;
  readonly #keeper: StreamKeeper;
  /** What the peer may still send. */
  #window: number;
  /** Delivered, not consumed. */
  #held = 0;
  /** Consumed, not announced. */
  #freed = 0;
  /** -1: content-length was not given. */
  #contentLength = -1;
  #contentBytes = 0;
  #headed = false;
  #remoteEnded = false;
  #closed = false;
  #discards = false;
  /** `onPause` is due. */
  touched = false;

  constructor(keeper: StreamKeeper) {
    this.#keeper = keeper;
    this.#window = keeper.receiveWindow;
    this.outgoing = new Outgoing(keeper.outlet.streamWindow);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The peer has sent all. */
  get remoteEnded(): boolean {
    return this.#remoteEnded;
  }

  /** A request, or a final response head, has come: what follows are trailers. */
  get headed(): boolean {
    return this.#headed;
  }

  // ── What goes ────────────────────────────────────────────────────────────────────────

  /** All of the following wait for `flush`. Field names in lower case. */
  head(fields: readonly string[]): void {
    this.outgoing.head(fields);
  }

  /** `borrowed`: the memory is reused once `flush` has returned. */
  data(bytes: Buffer, start: number, end: number, borrowed: boolean): void {
    this.outgoing.data(bytes, start, end, borrowed);
  }

  end(trailers: readonly string[]): void {
    this.outgoing.end(trailers);
  }

  /** False: no more for now; `onDrain` follows. */
  flush(): boolean {
    if (this.#closed) return true;
    this.#keeper.outlet.send(this);
    return this.outgoing.settle();
  }

  withdraw(): boolean {
    return this.outgoing.withdraw();
  }

  /** By the outlet: its turn. */
  emit(limit: number): Standstill {
    if (this.#closed) return 'done';
    if (this.id === 0) this.#keeper.begin(this);
    const standstill = this.outgoing.emit(this.id, this.#keeper.outlet, limit);
    if (this.outgoing.finished) this.#localEnded();
    else if (this.outgoing.takeDrained()) this.receiver.onDrain();
    return standstill;
  }

  #localEnded(): void {
    if (this.#remoteEnded) this.#close();
    // A complete answer to a request that still comes: the client may stop (section 8.1).
    else if (this.#discards) this.reset(0);
  }

  // ── What comes ───────────────────────────────────────────────────────────────────────

  /** The head has come; `contentLength` -1: not given. */
  begun(contentLength: number): void {
    this.#headed = true;
    this.#contentLength = contentLength;
  }

  /** A DATA frame of that length, padding included, is coming. False: more than was allowed. */
  takeWindow(bytes: number): boolean {
    this.#window -= bytes;
    this.#held += bytes;
    return this.#window >= 0;
  }

  /** False: more content than content-length says. */
  content(bytes: Buffer, start: number, end: number): boolean {
    this.#contentBytes += end - start;
    if (this.#contentLength >= 0 && this.#contentBytes > this.#contentLength) return false;
    if (this.#discards) this.consume(end - start);
    else this.receiver.onData(bytes, start, end);
    return true;
  }

  /** END_STREAM came. False: less content than content-length says. */
  remoteEnd(trailers: readonly string[]): boolean {
    if (this.#contentLength >= 0 && this.#contentBytes !== this.#contentLength) return false;
    this.#remoteEnded = true;
    if (!this.#discards) this.receiver.onEnd(trailers);
    if (this.outgoing.finished) this.#close();
    return true;
  }

  /** The receiver is done with that many octets of content, or they were padding. */
  consume(bytes: number): void {
    if (this.#closed || bytes === 0) return;
    this.#held -= bytes;
    this.#freed += bytes;
    this.#keeper.consumed(bytes);
    if (this.#remoteEnded || this.#freed < this.#keeper.receiveWindow / 2) return;
    this.#window += this.#freed;
    this.#keeper.openWindow(this, this.#freed);
    this.#freed = 0;
  }

  // ── End ──────────────────────────────────────────────────────────────────────────────

  /**
   * The receiver wants no more of what comes. Once all of what goes has gone, the peer is told so
   * by RST_STREAM with NO_ERROR.
   */
  discard(): void {
    if (this.#closed) return;
    this.#discards = true;
    this.consume(this.#held);
    if (this.outgoing.finished) this.reset(0);
  }

  /** Ends it at once; the receiver is not told. */
  reset(code: number): void {
    if (this.#closed) return;
    this.#keeper.reset(this, code);
  }

  #close(): void {
    this.#keeper.ended(this);
  }

  /** By the session, which forgets it. What the receiver still holds no longer counts. */
  shut(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.outgoing.clear();
    this.#keeper.consumed(this.#held);
    this.#held = 0;
  }
}
