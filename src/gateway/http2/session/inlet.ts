import { readRequest, readResponse, readTrailers } from '../field-section.ts';
import type { FrameHandler } from '../frames.ts';
import { type DecodedBlock, HpackDecoder } from '../hpack/decoder.ts';
import { ErrorCode, violate } from '../http2-error.ts';
import { applySettings, maxWindow } from './peer-settings.ts';
import type { Session } from './session.ts';
import { Stream } from './stream.ts';

/**
 * What frames do to a session. The reader has checked what a frame can be checked for by itself;
 * here it is judged by the state of its stream (RFC 9113 section 5.1):
 *
 *                  open            half-closed (remote)   dropped   ended             idle
 *   HEADERS        trailers, head  STREAM_CLOSED          decoded   STREAM_CLOSED     begins, or
 *                                                                   (connection)      PROTOCOL_ERROR
 *   DATA           content         STREAM_CLOSED          counted   STREAM_CLOSED     PROTOCOL_ERROR
 *   RST_STREAM     ends it         ends it                ignored   ignored           PROTOCOL_ERROR
 *   WINDOW_UPDATE  opens           opens                  ignored   ignored           PROTOCOL_ERROR
 *   PRIORITY       ignored everywhere
 *
 * A session that is over is told no more: see `Session.receive`.
 */
export class Inlet implements FrameHandler {
  readonly #session: Session;
  readonly #decoder = new HpackDecoder();
  /** Of the DATA frame that is coming; `undefined`: nobody's. */
  #content: Stream | undefined;
  /** Those that the outlet had sent when last asked. */
  #dataFrames = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  // ── Field blocks ─────────────────────────────────────────────────────────────────────

  onHeaders(id: number, bytes: Buffer, start: number, end: number, ends: boolean): void {
    const session = this.#session;
    const block = this.#decoder.decode(bytes, start, end, session.limits);
    const stream = session.table.get(id);
    if (!stream) this.#onNewStream(id, block, end - start, ends);
    else if (stream.remoteEnded) session.refuse(stream, ErrorCode.STREAM_CLOSED);
    else if (stream.headed) this.#onTrailers(stream, block, ends);
    else this.#onResponse(stream, block, end - start, ends);
  }

  #onNewStream(id: number, block: DecodedBlock, blockBytes: number, ends: boolean): void {
    const session = this.#session;
    const { table } = session;
    const absence = table.absence(id);
    if (absence === 'dropped') return;
    if (absence === 'ended' && !table.isPassedOver(id)) {
      violate(ErrorCode.STREAM_CLOSED, 'HEADERS on a stream that has ended');
    }
    if (session.role === 'client' || id % 2 === 0 || id <= table.lastId) {
      violate(ErrorCode.PROTOCOL_ERROR, 'HEADERS on a stream that cannot begin');
    }
    const section = readRequest(block, blockBytes);
    if (!section) session.refuseId(id, ErrorCode.PROTOCOL_ERROR);
    else if (ends && section.contentLength > 0) session.refuseId(id, ErrorCode.PROTOCOL_ERROR);
    else if (table.size >= session.limits.streams) this.#refuseSurplus(id);
    else {
      const stream = new Stream(session);
      session.enter(id, stream);
      stream.begun(section.contentLength);
      stream.receiver = session.owner.onRequest(stream, section, ends);
      session.touch(stream);
      if (ends) this.#end(stream, noTrailers);
    }
  }

  /** Until it has seen our limit a client cannot keep to it. */
  #refuseSurplus(id: number): void {
    const session = this.#session;
    session.rejectId(id, ErrorCode.REFUSED_STREAM);
    if (session.settled) session.spend('provokedResets');
  }

  #onResponse(stream: Stream, block: DecodedBlock, blockBytes: number, ends: boolean): void {
    const session = this.#session;
    const section = readResponse(block, blockBytes);
    if (!section || block.tooLarge || (ends && section.status < 200)) {
      session.refuse(stream, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    if (section.status >= 200) {
      stream.begun(isBodiless(stream, section.status) ? 0 : section.contentLength);
    }
    session.touch(stream);
    stream.receiver.onHead(section, ends);
    if (ends && !stream.closed) this.#end(stream, noTrailers);
  }

  #onTrailers(stream: Stream, block: DecodedBlock, ends: boolean): void {
    const trailers = ends ? readTrailers(block) : undefined;
    if (!trailers) {
      this.#session.refuse(stream, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    this.#session.touch(stream);
    this.#end(stream, trailers);
  }

  #end(stream: Stream, trailers: readonly string[]): void {
    if (!stream.remoteEnd(trailers)) this.#session.refuse(stream, ErrorCode.PROTOCOL_ERROR);
  }

  // ── DATA ─────────────────────────────────────────────────────────────────────────────

  onDataBegin(id: number, length: number): void {
    const session = this.#session;
    session.takeWindow(length);
    session.earn('pings', 1);
    const stream = session.table.get(id);
    this.#content = undefined;
    if (!stream) {
      this.#onStray(id);
      session.consumed(length);
      return;
    }
    if (!stream.takeWindow(length)) session.refuse(stream, ErrorCode.FLOW_CONTROL_ERROR);
    else if (stream.remoteEnded) session.refuse(stream, ErrorCode.STREAM_CLOSED);
    else if (!stream.headed) session.refuse(stream, ErrorCode.PROTOCOL_ERROR);
    else {
      this.#content = stream;
      session.touch(stream);
    }
  }

  onData(bytes: Buffer, start: number, end: number): void {
    const stream = this.#content;
    if (!stream || stream.closed) return;
    if (!stream.content(bytes, start, end)) {
      this.#session.refuse(stream, ErrorCode.PROTOCOL_ERROR);
    }
  }

  onDataEnd(_id: number, ends: boolean, length: number, padding: number): void {
    const stream = this.#content;
    this.#content = undefined;
    if (length === padding && !ends) this.#session.spend('emptyData');
    if (!stream || stream.closed) return;
    stream.consume(padding);
    if (ends) this.#end(stream, noTrailers);
  }

  // ── Streams ──────────────────────────────────────────────────────────────────────────

  onRstStream(id: number, code: number): void {
    const session = this.#session;
    if (session.role === 'server') session.spend('resets');
    const stream = session.table.get(id);
    if (stream) session.abort(stream, 'reset', code);
    else if (session.table.absence(id) === 'idle') {
      violate(ErrorCode.PROTOCOL_ERROR, 'RST_STREAM on a stream that has not begun');
    }
  }

  onPriority(): void {
    this.#session.spend('priorities');
  }

  onWindowUpdate(id: number, increment: number): void {
    const session = this.#session;
    this.#spendWindowUpdate();
    if (id === 0) this.#widen(increment);
    else {
      const stream = session.table.get(id);
      if (stream) this.#widenStream(stream, increment);
      else if (session.table.absence(id) === 'idle') {
        violate(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE on a stream that has not begun');
      }
    }
  }

  /** Some are owed for each DATA frame that we send. */
  #spendWindowUpdate(): void {
    const session = this.#session;
    const { dataFrames } = session.outlet;
    if (dataFrames > this.#dataFrames) {
      session.earn('windowUpdates', updatesPerFrame * (dataFrames - this.#dataFrames));
      session.earn('pings', dataFrames - this.#dataFrames);
      this.#dataFrames = dataFrames;
    }
    session.spend('windowUpdates');
  }

  #widen(increment: number): void {
    const { outlet } = this.#session;
    if (increment === 0) violate(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of nothing');
    if (outlet.window + increment > maxWindow) {
      violate(ErrorCode.FLOW_CONTROL_ERROR, 'the window of the connection is too large');
    }
    outlet.widen(increment);
  }

  #widenStream(stream: Stream, increment: number): void {
    const { outgoing } = stream;
    if (increment === 0) this.#session.refuse(stream, ErrorCode.PROTOCOL_ERROR);
    else if (outgoing.window + increment > maxWindow) {
      this.#session.refuse(stream, ErrorCode.FLOW_CONTROL_ERROR);
    } else {
      outgoing.window += increment;
      if (outgoing.waiting) this.#session.outlet.send(stream);
    }
  }

  /** DATA on a stream that is not open; not all that we have dropped are remembered as such. */
  #onStray(id: number): void {
    const session = this.#session;
    const absence = session.table.absence(id);
    if (absence === 'idle') {
      violate(ErrorCode.PROTOCOL_ERROR, 'DATA on a stream that has not begun');
    }
    if (absence !== 'ended') return;
    session.outlet.writer.rstStream(id, ErrorCode.STREAM_CLOSED);
    session.spend('provokedResets');
  }

  // ── Connection ───────────────────────────────────────────────────────────────────────

  onSettings(bytes: Buffer, start: number, end: number): void {
    const session = this.#session;
    session.spend('settings');
    applySettings(session, bytes, start, end);
    session.outlet.writer.settingsAck();
    session.owner.onSettings();
  }

  onSettingsAck(): void {
    this.#session.spend('settings');
    this.#session.settled = true;
  }

  onPing(bytes: Buffer, start: number, ack: boolean): void {
    this.#session.spend('pings');
    if (ack) this.#session.pong(bytes.subarray(start, start + 8));
    else this.#session.outlet.writer.ping(bytes, start, true);
  }

  onGoAway(lastId: number, code: number): void {
    this.#session.peerLeaves(lastId, code);
  }

  onUnknown(): void {
    this.#session.spend('unknownFrames');
  }
}

const noTrailers: readonly string[] = [];
/** For the stream and for the connection, and that more than once. */
const updatesPerFrame = 4;

/** Its content-length is that of what is not sent (RFC 9110 section 8.6). */
function isBodiless({ headOnly }: Stream, status: number): boolean {
  return headOnly || status === 204 || status === 304;
}
