import type { Socket } from 'node:net';
import type { Place } from '../admission/admission.ts';
import { Deadline, type DeadlineOwner } from '../deadline-wheel.ts';
import type { ConnectionOrigin } from '../exchange/forwarding.ts';
import type { RequestSection } from '../http2/field-section.ts';
import { ErrorCode, Http2Error } from '../http2/http2-error.ts';
import type { FloodLimit } from '../http2/session/floods.ts';
import { Session, type SessionOwner } from '../http2/session/session.ts';
import { defaultSessionLimits, type SessionLimits } from '../http2/session/session-limits.ts';
import type { Stream, StreamReceiver } from '../http2/session/stream.ts';
import { Transport } from '../http2/transport.ts';
import type { GatewayLimits } from '../limits.ts';
import type { Runtime } from '../runtime.ts';
import type { Client } from './client.ts';
import { requestHeadOf } from './http2-head.ts';
import { Http2Stream, type StreamHost } from './http2-stream.ts';
import { isDismissed, isLeaving } from './leaving.ts';
import type { RequestTaker } from './request-taker.ts';

/**
 * What the one deadline of a connection stands for. `alive`, `pong`: it has streams, and must show a
 * sign of life; `leaving`: a GOAWAY was sent, and requests may be on their way that met it.
 */
type Waiting = 'idle' | 'drain' | 'alive' | 'pong' | 'leaving' | 'progress' | 'linger' | 'nothing';

/**
 * One client connection in HTTP/2: brings its session to its socket and to the limits of time.
 *
 *            request                             last stream gone
 *   idle ───────────────▶ busy (alive ⇄ pong) ─────────────────────▶ idle
 *     │ too long                │ not taken: drain
 *     ▼                         ▼
 *   GOAWAY, linger ──▶ closed ◀─┘
 */
export class Http2Connection implements Client, SessionOwner, StreamHost, DeadlineOwner {
  readonly socket: Socket;
  readonly origin: ConnectionOrigin;
  readonly runtime: Runtime;
  readonly taker: RequestTaker;
  readonly #place: Place;
  readonly #session: Session;
  readonly #transport: Transport;
  readonly #deadline: Deadline;
  /** Of the answer to our SETTINGS. */
  readonly #settling: Deadline;
  #waiting: Waiting = 'nothing';
  #stalled = false;
  #inputEnded = false;
  #closed = false;
  #lingeredBytes = 0;
  /** Ticks of the last read, and of the last PING. */
  #readAt: number;
  #probedAt = 0;

  constructor(
    runtime: Runtime,
    taker: RequestTaker,
    socket: Socket,
    origin: ConnectionOrigin,
    place: Place,
  ) {
    this.runtime = runtime;
    this.taker = taker;
    this.socket = socket;
    this.origin = origin;
    this.#place = place;
    this.#readAt = runtime.wheel.now;
    this.#session = new Session('server', sessionLimits(runtime.limits), this);
    this.#transport = new Transport(socket, this.#session, (stalled) => this.#onStall(stalled));
    this.#deadline = new Deadline(runtime.wheel, this);
    this.#settling = new Deadline(runtime.wheel, { onDeadline: () => this.#onUnsettled() });
    runtime.reads.take(socket, (bytes, length) =>
      this.receive(Buffer.from(bytes.subarray(0, length))),
    );
    socket.on('end', () => this.#onEnd());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onClose());
    const { headMs, idleMs } = runtime.limits;
    this.#settling.set(headMs);
    this.#wait('idle', Math.min(headMs, idleMs));
    this.due();
  }

  /** See `Client`. */
  drain(last: boolean): void {
    if (last) this.#session.lastCall();
    else this.#leave();
    this.due();
  }

  abort(): void {
    this.socket.destroy();
  }

  due(): void {
    this.#transport.due();
  }

  progressed(): void {
    if (this.#waiting === 'progress') this.#rest();
  }

  answered(): void {
    if (isLeaving(this.runtime, this.origin)) this.#leave();
  }

  // ── Session ──────────────────────────────────────────────────────────────────────────

  onRequest(stream: Stream, section: RequestSection, ended: boolean): StreamReceiver {
    const head = requestHeadOf(section, section.blockBytes, ended, this.runtime.limits.wire);
    return new Http2Stream(this, stream, head);
  }

  onBusy(busy: boolean): void {
    if (busy) this.#place.work();
    else this.#place.wait(this.runtime.wheel.now);
    this.#rest();
  }

  onSettings(): void {}

  onGoAway(): void {}

  onPong(): void {}

  onMalformed(): void {
    this.runtime.generation.metrics.connectionEnded('malformed');
  }

  onFlood(limit: FloodLimit): void {
    this.runtime.generation.metrics.connectionEnded(limit);
  }

  /** Floods, and what was not settled, have been counted by their own names. */
  onOver(error: Http2Error | undefined): void {
    if (error && !namedErrors.has(error.code)) this.onMalformed();
    this.#place.wait(this.runtime.wheel.now);
    this.#wait('linger', this.runtime.limits.lingerMs);
    this.due();
  }

  // ── Socket ───────────────────────────────────────────────────────────────────────────

  /** What the socket brings, or brought before. */
  receive(chunk: Buffer): void {
    const { generation, clock, wheel } = this.runtime;
    generation.metrics.bytesIn(chunk.length);
    this.#readAt = wheel.now;
    if (this.#session.over) {
      this.#lingeredBytes += chunk.length;
      if (this.#lingeredBytes > this.runtime.limits.lingerBytes) this.socket.destroy();
      return;
    }
    try {
      this.#session.receive(chunk, 0, chunk.length, clock.monotonicMs());
    } catch (error) {
      this.taker.defect(error);
      this.socket.destroy();
      return;
    }
    this.due();
  }

  /** The client asks for nothing more; TCP does not tell whether it still takes answers. */
  #onEnd(): void {
    this.#inputEnded = true;
    if (this.#session.over) {
      this.socket.destroy();
      return;
    }
    this.#session.lastCall();
    if (!this.#session.over) this.#rest();
    this.due();
  }

  #onStall(stalled: boolean): void {
    this.#stalled = stalled;
    if (!this.#session.over) this.#rest();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.cut();
    this.#deadline.close();
    this.#settling.close();
    this.taker.closed(this);
  }

  // ── Limits ───────────────────────────────────────────────────────────────────────────

  #leave(): void {
    if (this.#session.leaving) return;
    this.#session.shutdown();
    this.#rest();
  }

  /** Waits for what comes next in this state. */
  #rest(): void {
    const { limits } = this.runtime;
    const { table, leaving } = this.#session;
    if (this.#closed || this.#session.over) return;
    if (this.#stalled) this.#wait('drain', limits.writeStallMs);
    else if (this.#inputEnded) this.#wait('progress', limits.halfCloseMs);
    else if (leaving && !this.#session.closing) this.#wait('leaving', limits.dismissMs);
    else if (table.size > 0) this.#wait('alive', limits.idleMs);
    else if (isDismissed(this.runtime, this.origin)) this.#leave();
    else this.#wait('idle', limits.idleMs);
  }

  onDeadline(): void {
    const waiting = this.#waiting;
    this.#waiting = 'nothing';
    if (waiting === 'alive') this.#probe();
    else if (waiting === 'pong' && this.#readAt >= this.#probedAt) this.#rest();
    else if (waiting === 'leaving') {
      this.#session.lastCall();
      this.#rest();
    } else {
      this.runtime.generation.metrics.connectionEnded(waiting);
      if (waiting === 'idle') this.#session.lastCall();
      else this.socket.destroy();
    }
    this.due();
  }

  /** Streams may be silent for as long as they like, but somebody must be there. */
  #probe(): void {
    const { wheel, limits } = this.runtime;
    const silentMs = (wheel.now - this.#readAt) * wheel.tickMs;
    if (silentMs < limits.idleMs) {
      this.#wait('alive', limits.idleMs - silentMs);
      return;
    }
    this.#probedAt = wheel.now;
    this.#session.ping();
    this.#wait('pong', limits.headMs);
  }

  #onUnsettled(): void {
    if (this.#session.settled || this.#session.over) return;
    this.runtime.generation.metrics.connectionEnded('settling');
    this.#session.fail(notSettled());
    this.due();
  }

  #wait(waiting: Waiting, delayMs: number): void {
    this.#waiting = waiting;
    this.#deadline.set(delayMs);
  }
}

const namedErrors: ReadonlySet<number> = new Set([
  ErrorCode.ENHANCE_YOUR_CALM,
  ErrorCode.SETTINGS_TIMEOUT,
]);

function notSettled(): Http2Error {
  return new Http2Error(
    ErrorCode.SETTINGS_TIMEOUT,
    'connection',
    0,
    'the SETTINGS were not acknowledged',
  );
}

function sessionLimits({ wire, streams }: GatewayLimits): SessionLimits {
  const { headerBytes, headerCount } = wire;
  return { ...defaultSessionLimits, streams, fieldBytes: headerBytes, fieldCount: headerCount };
}
