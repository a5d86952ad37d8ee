import type { RequestSection } from '../field-section.ts';
import { FrameReader } from '../frame-reader.ts';
import { FrameWriter } from '../frame-writer.ts';
import { HpackEncoder } from '../hpack/encoder.ts';
import { ErrorCode, Http2Error, violate } from '../http2-error.ts';
import { FloodGuard, type FloodLimit } from './floods.ts';
import { Inlet } from './inlet.ts';
import { Outlet } from './outlet.ts';
import {
  ENABLE_PUSH,
  INITIAL_WINDOW_SIZE,
  MAX_CONCURRENT_STREAMS,
  MAX_HEADER_LIST_SIZE,
  NO_RFC7540_PRIORITIES,
} from './peer-settings.ts';
import type { SessionLimits } from './session-limits.ts';
import { Stream, type StreamEnd, type StreamKeeper, type StreamReceiver } from './stream.ts';
import { maxStreamId, StreamTable } from './stream-table.ts';

/** Who a session belongs to. None of these is called after `onOver`. */
export interface SessionOwner {
  /**
   * Server: a request has begun. Returns who takes what follows. Where `section.tooLarge`, only
   * its pseudo fields can be relied on.
   */
  onRequest(stream: Stream, section: RequestSection, ended: boolean): StreamReceiver;
  /** The first stream is there, or the last has gone. */
  onBusy(busy: boolean): void;
  /** Client: more or fewer streams may be open than before. */
  onSettings(): void;
  /** The peer lets no more streams begin. */
  onGoAway(code: number): void;
  /** The answer to `ping`. */
  onPong(): void;
  /** What came on one stream breaks the rules; it was reset. */
  onMalformed(): void;
  /** The peer did too much of something; `onOver` follows. */
  onFlood(limit: FloodLimit): void;
  /** No stream is left and none can come; what is in the output is the last. `undefined`: by agreement. */
  onOver(error: Http2Error | undefined): void;
}

const initialWindow = 65_535;
/**
 * How long a field block may be, in sections at their limit: of one that is a little too large the
 * stream is answered with 431, and only beyond that the connection is given up.
 */
const blockSections = 2;
/** Streams that wait to begin still get an id. */
const lastUsableId = maxStreamId - 2_000_000;
const drainMark = Buffer.from('goaway\0\0', 'latin1');
const keepAliveMark = Buffer.from('alive?\0\0', 'latin1');

/**
 * One HTTP/2 connection (RFC 9113) without its socket and clock: octets in by `receive`, octets out
 * by `outlet.writer`, which whoever calls into the session or its streams brings to the
 * socket afterwards. Of the server or of the client; both differ in who begins streams.
 *
 *            shutdown               pong, or lastCall       no stream left
 *   open ────────────────▶ leaving ─────────────▶ closing ─────────────────▶ over
 *    │  GOAWAY 2^31 - 1, PING      GOAWAY last id                             ▲
 *    └───────────────────── error: GOAWAY with its code, streams are aborted ─┘
 */
export class Session implements StreamKeeper {
  readonly role: 'server' | 'client';
  readonly outlet: Outlet;
  readonly limits: SessionLimits;
  readonly owner: SessionOwner;
  readonly table = new StreamTable();
  /** Client: streams that the peer lets us have open. Assumed until it says so. */
  peerStreams = 100;
  /** Monotonic, of the read that is being handled. */
  nowMs = 0;
  /** The peer has seen our SETTINGS. */
  settled = false;
  readonly #floods: FloodGuard;
  readonly #inlet: Inlet;
  readonly #reader: FrameReader;
  /** Those that `onPause` is due for. */
  readonly #touched: Stream[] = [];
  #state: 'open' | 'leaving' | 'closing' | 'over' = 'open';
  #nextId = 1;
  /** Client: streams that were opened, and have not begun. */
  readonly #unsent = new Set<Stream>();
  /** What the peer may still send on the connection. */
  #window: number;
  #freed = 0;

  constructor(role: 'server' | 'client', limits: SessionLimits, owner: SessionOwner) {
    this.role = role;
    this.limits = limits;
    this.owner = owner;
    this.outlet = new Outlet(new FrameWriter(), new HpackEncoder());
    this.#floods = new FloodGuard(limits.floods);
    this.#inlet = new Inlet(this);
    this.#reader = new FrameReader(this.#inlet, {
      preface: role === 'server',
      blockBytes: blockSections * limits.fieldBytes,
      onBlockTooLarge: () => this.flooded('continuations'),
    });
    this.#window = limits.connectionWindow;
    this.#greet();
  }

  get receiveWindow(): number {
    return this.limits.streamWindow;
  }

  get over(): boolean {
    return this.#state === 'over';
  }

  get leaving(): boolean {
    return this.#state !== 'open';
  }

  /** No stream begins any more. */
  get closing(): boolean {
    return this.#state === 'closing' || this.#state === 'over';
  }

  /** Client: how many more streams may be opened now. */
  get vacancies(): number {
    if (this.#state !== 'open' || this.#nextId > lastUsableId) return 0;
    return Math.max(0, this.peerStreams - this.table.size - this.#unsent.size);
  }

  // ── Input ────────────────────────────────────────────────────────────────────────────

  /** Takes what one read brought. Never throws for what a peer does. */
  receive(bytes: Buffer, start: number, end: number, nowMs: number): void {
    if (this.#state === 'over') return;
    this.nowMs = nowMs;
    try {
      this.#reader.read(bytes, start, end);
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error;
      this.fail(error);
    }
    for (let at = 0; at < this.#touched.length; at++) {
      const stream = this.#touched[at]!;
      stream.touched = false;
      if (!stream.closed) stream.receiver.onPause();
    }
    this.#touched.length = 0;
  }

  touch(stream: Stream): void {
    if (stream.touched) return;
    stream.touched = true;
    this.#touched.push(stream);
  }

  // ── Streams ──────────────────────────────────────────────────────────────────────────

  /** Client: a stream for a request. It begins with its first `flush`. */
  open(receiver: StreamReceiver): Stream {
    const stream = new Stream(this);
    stream.receiver = receiver;
    this.#unsent.add(stream);
    return stream;
  }

  begin(stream: Stream): void {
    this.#unsent.delete(stream);
    // The peer may have changed it while the stream waited.
    stream.outgoing.window = this.outlet.streamWindow;
    this.enter(this.#nextId, stream);
    this.#nextId += 2;
  }

  enter(id: number, stream: Stream): void {
    this.table.begin(id, stream);
    if (this.table.size === 1) this.owner.onBusy(true);
  }

  ended(stream: Stream): void {
    this.#forget(stream, false);
  }

  reset(stream: Stream, code: number): void {
    if (stream.id === 0) {
      this.#unsent.delete(stream);
      stream.shut();
      return;
    }
    this.outlet.writer.rstStream(stream.id, code);
    this.#forget(stream, true);
  }

  /** The peer took it back, or did not look at it. */
  abort(stream: Stream, end: StreamEnd, code: number): void {
    this.#forget(stream, false);
    stream.receiver.onAbort(end, code);
  }

  /** What came on it was against the rules. */
  refuse(stream: Stream, code: number): void {
    stream.reset(code);
    stream.receiver.onAbort('malformed', code);
    this.owner.onMalformed();
    this.spend('provokedResets');
  }

  /** One that never came to be a request. */
  refuseId(id: number, code: number): void {
    this.rejectId(id, code);
    this.owner.onMalformed();
    this.spend('provokedResets');
  }

  rejectId(id: number, code: number): void {
    this.table.skipTo(id);
    this.table.drop(id);
    this.outlet.writer.rstStream(id, code);
  }

  openWindow(stream: Stream, bytes: number): void {
    this.outlet.writer.windowUpdate(stream.id, bytes);
  }

  consumed(bytes: number): void {
    this.#freed += bytes;
    if (this.#freed < this.limits.connectionWindow / 2 || this.#state === 'over') return;
    this.outlet.writer.windowUpdate(0, this.#freed);
    this.#window += this.#freed;
    this.#freed = 0;
  }

  /** A DATA frame of that length comes, on whatever stream. */
  takeWindow(bytes: number): void {
    this.#window -= bytes;
    if (this.#window < 0)
      violate(ErrorCode.FLOW_CONTROL_ERROR, 'more content than the window allows');
  }

  #forget(stream: Stream, byUs: boolean): void {
    this.table.remove(stream.id, byUs);
    stream.shut();
    if (this.table.size > 0 || this.#state === 'over') return;
    this.owner.onBusy(false);
    if (this.#state === 'closing') this.#end(undefined);
  }

  // ── Connection ───────────────────────────────────────────────────────────────────────

  /** @throws Http2Error when there was too much of it */
  spend(limit: Exclude<FloodLimit, 'continuations'>): void {
    if (!this.#floods.spend(limit, this.nowMs)) this.flooded(limit);
  }

  earn(limit: Exclude<FloodLimit, 'continuations'>, count: number): void {
    this.#floods.earn(limit, count);
  }

  flooded(limit: FloodLimit): never {
    this.owner.onFlood(limit);
    return violate(ErrorCode.ENHANCE_YOUR_CALM, `too much of one thing: ${limit}`);
  }

  /** Asks the peer for a sign of life. */
  ping(): void {
    this.outlet.writer.ping(keepAliveMark, 0, false);
  }

  pong(mark: Buffer): void {
    if (mark.equals(drainMark)) this.lastCall();
    else this.owner.onPong();
  }

  /**
   * Ends the connection when its streams have ended. What the peer sends until it has heard of
   * it is still served (section 6.8).
   */
  shutdown(): void {
    if (this.#state !== 'open') return;
    this.#state = 'leaving';
    if (this.role === 'client') this.lastCall();
    else {
      this.outlet.writer.goAway(maxStreamId, ErrorCode.NO_ERROR);
      this.outlet.writer.ping(drainMark, 0, false);
    }
  }

  /** From now on no stream begins. */
  lastCall(): void {
    if (this.#state === 'closing' || this.#state === 'over') return;
    this.#state = 'closing';
    if (this.role === 'server') this.table.close();
    this.outlet.writer.goAway(this.#lastPeerId, ErrorCode.NO_ERROR);
    if (this.table.size === 0) this.#end(undefined);
  }

  /** The peer lets no stream above `lastId` live. */
  peerLeaves(lastId: number, code: number): void {
    if (this.role === 'client') {
      // First of all: who is aborted may ask for another stream at once.
      if (this.#state === 'open') this.#state = 'leaving';
      this.#abortUnsent(code);
      for (const stream of this.table.all()) {
        if (stream.id > lastId) this.abort(stream, 'unprocessed', code);
      }
    }
    this.owner.onGoAway(code);
  }

  /** Tells the peer what is wrong, and ends everything. */
  fail(error: Http2Error): void {
    if (this.#state === 'over') return;
    this.outlet.writer.goAway(this.#lastPeerId, error.code);
    this.#end(error);
  }

  /** The transport is gone. */
  cut(): void {
    this.#state = 'over';
    this.#abortAll(ErrorCode.NO_ERROR);
  }

  #end(error: Http2Error | undefined): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.owner.onOver(error);
    this.#abortAll(error?.code ?? ErrorCode.NO_ERROR);
  }

  #abortAll(code: number): void {
    this.#abortUnsent(code);
    for (const stream of this.table.all()) this.abort(stream, 'connection', code);
  }

  #abortUnsent(code: number): void {
    for (const stream of [...this.#unsent]) {
      this.#unsent.delete(stream);
      stream.shut();
      stream.receiver.onAbort('unprocessed', code);
    }
  }

  get #lastPeerId(): number {
    return this.role === 'server' ? this.table.lastId : 0;
  }

  #greet(): void {
    const { writer } = this.outlet;
    const { streams, streamWindow, connectionWindow, fieldBytes } = this.limits;
    if (this.role === 'client') writer.preface();
    writer.settings([
      this.role === 'server' ? [MAX_CONCURRENT_STREAMS, streams] : [ENABLE_PUSH, 0],
      [INITIAL_WINDOW_SIZE, streamWindow],
      [MAX_HEADER_LIST_SIZE, fieldBytes],
      // Nobody needs to tell us of a tree that RFC 9113 dropped.
      [NO_RFC7540_PRIORITIES, 1],
    ]);
    if (connectionWindow > initialWindow) writer.windowUpdate(0, connectionWindow - initialWindow);
  }
}
