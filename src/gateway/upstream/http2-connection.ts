import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Deadline, type DeadlineOwner, type DeadlineWheel } from '../deadline-wheel.ts';
import type { FailureKind } from '../exchange/retry.ts';
import type { WireLimits } from '../http1/limits.ts';
import type { Http2Error } from '../http2/http2-error.ts';
import { Session, type SessionOwner } from '../http2/session/session.ts';
import { defaultSessionLimits, type SessionLimits } from '../http2/session/session-limits.ts';
import type { StreamReceiver } from '../http2/session/stream.ts';
import { Transport } from '../http2/transport.ts';
import { type Dialler, isHandshakeRefusal } from './dialler.ts';
import { Http2UpstreamStream } from './http2-stream.ts';
import type { ResponseReceiver } from './response-receiver.ts';

/** What a connection needs of its pool. */
export interface Http2Keeper {
  readonly wheel: DeadlineWheel;
  readonly wire: WireLimits;
  /** Shared by all: what is read is handed on or copied before the next read. */
  readonly readBuffer: Buffer;
  /** Longest time without a request. */
  readonly idleMs: number;
  /** Streams that the peer lets one connection have, as far as it is known. */
  peerStreams: number;
  onDefect(error: unknown): void;
  /** It has no streams any more. */
  onIdle(connection: Http2UpstreamConnection): void;
  onClosed(connection: Http2UpstreamConnection): void;
}

/** Streams that we open on one connection, whatever the peer allows. */
const mostStreams = 256;
/** Nothing came for so long though streams are open: is anybody there? */
const silenceMs = 30_000;
/** To be asked again; gRPC servers take more often than every five minutes for abuse. */
const silenceAgainMs = 300_000;
const pongMs = 10_000;
/** Who said something so lately is there, though a request has waited in vain. */
const doubtMs = 1_000;
/** The peer takes nothing of what all streams send. */
const stallMs = 30_000;

type Waiting = 'connect' | 'idle' | 'silence' | 'pong' | 'drain' | 'nothing';

/**
 * One HTTP/2 connection to an upstream, shared by the requests of many clients. The window of the
 * connection is as wide as those of all its streams together, so that a client that takes its
 * response slowly holds up nobody else's.
 *
 *                ready             GOAWAY, no more ids
 *   connecting ────────▶ open ─────────────────────────▶ leaving ──last stream ended──▶ closed
 *       │                  │ idle limit, error, silence                                   ▲
 *       └ limit, error ────┴──────────────────────────────────────────────────────────────┘
 */
export class Http2UpstreamConnection implements SessionOwner, DeadlineOwner {
  readonly socket: Socket;
  readonly wheel: DeadlineWheel;
  readonly scheme: 'http' | 'https';
  readonly #keeper: Http2Keeper;
  readonly #session: Session;
  readonly #transport: Transport;
  readonly #deadline: Deadline;
  readonly #streams = new Set<Http2UpstreamStream>();
  #state: 'connecting' | 'open' | 'closed' = 'connecting';
  #waiting: Waiting = 'connect';
  #served = false;
  #stalled = false;
  #retired = false;
  #readAt: number;
  #pingedAt = 0;
  /** TCP stands, TLS not yet. */
  #reached = false;
  /** How streams fail that end with it. */
  #failure: FailureKind = 'closed';

  constructor(keeper: Http2Keeper, dialler: Dialler, connectMs: number) {
    this.#keeper = keeper;
    this.wheel = keeper.wheel;
    this.scheme = dialler.readyEvent === 'secureConnect' ? 'https' : 'http';
    this.#readAt = keeper.wheel.now;
    this.#deadline = new Deadline(keeper.wheel, this);
    this.#deadline.set(connectMs);
    this.#session = new Session('client', sessionLimits(keeper.wire), this);
    this.#session.peerStreams = keeper.peerStreams;
    this.socket = dialler.dial({
      buffer: keeper.readBuffer,
      callback: (length, bytes) => {
        this.#read(bytes as Buffer, length);
        return true;
      },
    });
    this.#transport = new Transport(this.socket, this.#session, (on) => this.#onStall(on));
    this.socket.once(dialler.readyEvent, () => this.#ready());
    this.socket.once('connect', () => {
      this.#reached = true;
    });
    this.socket.on('end', () => this.#ended());
    this.socket.on('error', (error) => this.#ended(error));
    this.socket.on('close', () => this.#ended());
  }

  // ── For the pool ─────────────────────────────────────────────────────────────────────

  /** How many more requests it takes now: none while it is in doubt whether anybody is there. */
  get vacancies(): number {
    if (this.#state === 'closed' || this.#retired || this.#waiting === 'pong') return 0;
    const { peerStreams, vacancies } = this.#session;
    return Math.min(vacancies, Math.min(mostStreams, peerStreams) - this.#streams.size);
  }

  get connecting(): boolean {
    return this.#state === 'connecting';
  }

  get streams(): ReadonlySet<Http2UpstreamStream> {
    return this.#streams;
  }

  /** Only where there are `vacancies`. */
  take(receiver: ResponseReceiver): Http2UpstreamStream {
    const stream = new Http2UpstreamStream(this, receiver);
    this.#streams.add(stream);
    if (this.#state === 'open') {
      this.#rest();
      stream.start(this.#session.open(stream));
    }
    return stream;
  }

  /** It stands, without a request. */
  get idle(): boolean {
    return this.#state === 'open' && this.#streams.size === 0;
  }

  /** Takes no more requests, and closes after those that it has, which may still wait for it. */
  retire(): void {
    this.#retired = true;
    if (this.#state === 'connecting' && this.#streams.size > 0) return;
    this.#session.shutdown();
    this.due();
    if (this.#streams.size === 0) this.close();
  }

  close(): void {
    this.#end(this.#failure);
  }

  // ── For its streams ──────────────────────────────────────────────────────────────────

  get interimCount(): number {
    return this.#keeper.wire.interimCount;
  }

  /** It has answered a request. */
  get reused(): boolean {
    return this.#served;
  }

  get failure(): FailureKind {
    return this.#failure;
  }

  served(): void {
    this.#served = true;
  }

  due(): void {
    this.#transport.due();
  }

  leave(stream: Http2UpstreamStream): void {
    if (!this.#streams.delete(stream) || this.#streams.size > 0 || this.#state !== 'open') return;
    if (this.#session.leaving) this.close();
    else {
      this.#rest();
      this.#keeper.onIdle(this);
    }
  }

  /** A request waited in vain: is anybody there? */
  doubt(): void {
    if (this.#state !== 'open' || this.#waiting === 'pong') return;
    if (this.#silentMs >= doubtMs) this.#ping();
  }

  // ── Session ──────────────────────────────────────────────────────────────────────────

  /** Never called for a client. */
  onRequest(): StreamReceiver {
    throw new Error('a server opened a stream');
  }

  onBusy(): void {}

  onSettings(): void {
    this.#keeper.peerStreams = this.#session.peerStreams;
  }

  onGoAway(): void {
    if (this.#streams.size === 0) this.close();
  }

  onPong(): void {
    if (this.#waiting !== 'pong') return;
    this.#waiting = 'nothing';
    this.#rest();
  }

  onMalformed(): void {}

  onFlood(): void {
    this.#failure = 'badResponse';
  }

  onOver(error: Http2Error | undefined): void {
    if (error) this.#failure = 'badResponse';
    this.due();
    this.#end(this.#failure);
  }

  // ── Socket ───────────────────────────────────────────────────────────────────────────

  #ready(): void {
    if (this.#state !== 'connecting') return;
    const { alpnProtocol } = this.socket as TLSSocket;
    if (this.scheme === 'https' && alpnProtocol !== 'h2') {
      this.#end('tls');
      return;
    }
    this.#state = 'open';
    this.#rest();
    this.due();
    try {
      for (const stream of [...this.#streams]) stream.start(this.#session.open(stream));
    } catch (error) {
      this.#keeper.onDefect(error);
      this.#end('badResponse');
    }
    if (this.#retired) this.retire();
  }

  #read(bytes: Buffer, length: number): void {
    if (this.#state !== 'open') return;
    this.#readAt = this.wheel.now;
    try {
      this.#session.receive(bytes, 0, length, this.wheel.now * this.wheel.tickMs);
    } catch (error) {
      this.#keeper.onDefect(error);
      this.#end('badResponse');
    }
    this.due();
  }

  #ended(error?: Error): void {
    if (this.#state === 'connecting') this.#end(this.#reached ? 'tls' : 'connect');
    else if (!this.#served && isHandshakeRefusal(error)) this.#end('tls');
    else this.#end(this.#failure);
  }

  #onStall(stalled: boolean): void {
    this.#stalled = stalled;
    if (this.#state === 'open') this.#rest();
  }

  // ── Limits ───────────────────────────────────────────────────────────────────────────

  #rest(): void {
    const again = this.#pingedAt >= this.#readAt;
    if (this.#stalled) this.#wait('drain', stallMs);
    else if (this.#waiting === 'pong') return;
    else if (this.#streams.size === 0) this.#wait('idle', this.#keeper.idleMs);
    else if (this.#waiting !== 'silence') this.#wait('silence', again ? silenceAgainMs : silenceMs);
  }

  onDeadline(): void {
    const waiting = this.#waiting;
    this.#waiting = 'nothing';
    if (waiting === 'silence') this.#listen();
    else if (waiting === 'pong' && this.#readAt > this.#pingedAt) this.#rest();
    else if (waiting === 'idle') this.close();
    else this.#end(this.#state === 'connecting' ? (this.#reached ? 'tls' : 'connect') : 'timeout');
  }

  get #silentMs(): number {
    return (this.wheel.now - this.#readAt) * this.wheel.tickMs;
  }

  #listen(): void {
    const silentMs = this.#silentMs;
    if (silentMs < silenceMs) this.#wait('silence', silenceMs - silentMs);
    else this.#ping();
  }

  #ping(): void {
    this.#pingedAt = this.wheel.now;
    this.#session.ping();
    this.#wait('pong', pongMs);
    this.due();
  }

  #wait(waiting: Waiting, delayMs: number): void {
    this.#waiting = waiting;
    this.#deadline.set(delayMs);
  }

  #end(failure: FailureKind): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#failure = failure;
    this.#deadline.close();
    this.#keeper.onClosed(this);
    this.#session.cut();
    for (const stream of [...this.#streams]) stream.onAbort('connection', 0);
    this.#transport.close();
  }
}

function sessionLimits({ headerBytes, headerCount }: WireLimits): SessionLimits {
  const { streamWindow } = defaultSessionLimits;
  return {
    ...defaultSessionLimits,
    connectionWindow: streamWindow * mostStreams,
    fieldBytes: headerBytes,
    fieldCount: headerCount,
  };
}
