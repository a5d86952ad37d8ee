import { Deadline, type DeadlineOwner } from '../deadline-wheel.ts';
import type { FailureKind } from '../exchange/retry.ts';
import type { OutgoingRequest } from '../http1/serialise.ts';
import type { ResponseSection } from '../http2/field-section.ts';
import { forwardedTrailers, requestFields } from '../http2/forwarded-fields.ts';
import { ErrorCode } from '../http2/http2-error.ts';
import type { Stream, StreamEnd, StreamReceiver } from '../http2/session/stream.ts';
import type { Http2UpstreamConnection } from './http2-connection.ts';
import { responseHeadOf } from './http2-head.ts';
import type { ResponseReceiver } from './response-receiver.ts';
import type { PendingRequest, UpstreamStream } from './upstream-stream.ts';

/**
 * One request on an HTTP/2 connection to an upstream. Limits of time are those of a connection of
 * HTTP/1.1: a request that is not taken, the first byte of a response, then between two of
 * them; while the client is waited for, none.
 *
 *   waiting for the connection ─start─▶ awaiting head ─▶ body ─▶ closed
 */
export class Http2UpstreamStream
  implements UpstreamStream, StreamReceiver, PendingRequest, DeadlineOwner
{
  readonly #connection: Http2UpstreamConnection;
  readonly #deadline: Deadline;
  readonly #timeouts: ResponseReceiver['timeouts'];
  readonly #method: string;
  #receiver: ResponseReceiver | undefined;
  #stream: Stream | undefined;
  #headGiven = false;
  #requestSent = false;
  #paused = false;
  #stuck = false;
  #interims = 0;
  /** Octets of content that were handed on, and are not taken yet. */
  #untaken = 0;

  constructor(connection: Http2UpstreamConnection, receiver: ResponseReceiver) {
    this.#connection = connection;
    this.#receiver = receiver;
    this.#timeouts = receiver.timeouts;
    this.#method = receiver.method;
    this.#deadline = new Deadline(connection.wheel, this);
  }

  get receiver(): ResponseReceiver | undefined {
    return this.#receiver;
  }

  get awaitingHead(): boolean {
    return !this.#headGiven;
  }

  /** The connection stands. */
  start(stream: Stream): void {
    this.#stream = stream;
    stream.headOnly = this.#method === 'HEAD';
    this.#receiver?.onReady(this);
  }

  // ── Request ──────────────────────────────────────────────────────────────────────────

  send(request: OutgoingRequest): void {
    this.#stream!.head(requestFields(request, this.#connection.scheme));
  }

  data(part: Buffer): void {
    this.#stream!.data(part, 0, part.length, false);
  }

  end(trailers: readonly string[]): void {
    this.#stream!.end(forwardedTrailers(trailers));
    this.#requestSent = true;
    if (!this.#headGiven) this.#deadline.set(this.#timeouts.firstByte);
  }

  flush(): boolean {
    this.#connection.due();
    const taken = this.#stream!.flush();
    this.#stuck = !taken;
    if (!this.#requestSent) this.#sending();
    return taken;
  }

  /** The limit of a stall runs only while the peer takes no more: else it is the client that is waited for. */
  #sending(): void {
    if (this.#paused) return;
    if (!this.#stuck && !this.#headGiven) this.#deadline.clear();
    else this.#deadline.set(this.#timeouts.idle);
  }

  onDrain(): void {
    this.#stuck = false;
    if (!this.#requestSent) this.#sending();
    this.#receiver?.onDrain();
  }

  // ── Response ─────────────────────────────────────────────────────────────────────────

  onHead(section: ResponseSection, ended: boolean): void {
    const head = responseHeadOf(section, this.#method, ended);
    if (head.status >= 200) {
      this.#headGiven = true;
      this.#deadline.set(this.#timeouts.idle);
      this.#receiver?.onHead(head, this);
    } else if (++this.#interims > this.#connection.interimCount) {
      this.#stream!.reset(ErrorCode.ENHANCE_YOUR_CALM);
      this.#fail('badResponse');
    } else this.#receiver?.onInterim(head);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#untaken += end - start;
    this.#receiver?.onData(bytes, start, end);
  }

  onPause(): void {
    if (!this.#headGiven) return;
    if (!this.#paused) this.#deadline.set(this.#timeouts.idle);
    this.#receiver?.onPause();
    if (!this.#paused) this.#take();
  }

  onEnd(trailers: readonly string[]): void {
    const receiver = this.#release();
    this.#connection.served();
    if (!this.#requestSent) this.#stream!.reset(ErrorCode.CANCEL);
    receiver?.onEnd(trailers);
  }

  onAbort(end: StreamEnd, code: number): void {
    if (end === 'connection') this.#fail(this.#connection.failure, this.#connection.reused);
    else if (end === 'unprocessed' || code === ErrorCode.REFUSED_STREAM) this.#fail('unprocessed');
    else this.#fail(end === 'malformed' ? 'badResponse' : 'closed');
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#deadline.clear();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#headGiven) this.#deadline.set(this.#timeouts.idle);
    else if (this.#requestSent) this.#deadline.set(this.#timeouts.firstByte);
    else if (this.#stuck) this.#deadline.set(this.#timeouts.idle);
    this.#take();
    this.#connection.due();
  }

  #take(): void {
    const untaken = this.#untaken;
    this.#untaken = 0;
    this.#stream?.consume(untaken);
  }

  // ── End ──────────────────────────────────────────────────────────────────────────────

  detach(): void {
    this.close();
  }

  close(): void {
    this.#release();
    this.#stream?.reset(ErrorCode.CANCEL);
    this.#connection.due();
  }

  /** Of tunnels, which are not asked for in HTTP/2. */
  endSwitched(): void {}

  finish(): void {
    this.close();
  }

  onDeadline(): void {
    this.#stream?.reset(ErrorCode.CANCEL);
    this.#connection.doubt();
    this.#fail('timeout');
  }

  /** `reused`: it may just have met the end of a connection that had served others. */
  #fail(kind: FailureKind, reused = false): void {
    const receiver = this.#release();
    if (this.#headGiven) receiver?.onTruncated();
    else receiver?.onFailure({ kind, reused });
  }

  #release(): ResponseReceiver | undefined {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#deadline.close();
    this.#connection.leave(this);
    return receiver;
  }
}
