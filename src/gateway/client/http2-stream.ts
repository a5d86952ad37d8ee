import { Deadline, type DeadlineOwner } from '../deadline-wheel.ts';
import {
  type AnswerContext,
  answerFields,
  type OwnAnswer,
  speaksGrpc,
} from '../exchange/answers.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { ConnectionOrigin } from '../exchange/forwarding.ts';
import type { ResponseHead } from '../http1/response-parser.ts';
import { WireError } from '../http1/wire-error.ts';
import { forwardedTrailers, responseFields } from '../http2/forwarded-fields.ts';
import { ErrorCode } from '../http2/http2-error.ts';
import type { Stream, StreamReceiver } from '../http2/session/stream.ts';
import type { Runtime } from '../runtime.ts';
import type { ClientStream } from './client-stream.ts';
import type { TakenHead } from './http2-head.ts';
import { refusalCode } from './refusal-code.ts';
import type { RequestTaker } from './request-taker.ts';

/** What the streams of a connection share. */
export interface StreamHost {
  readonly runtime: Runtime;
  readonly taker: RequestTaker;
  readonly origin: ConnectionOrigin;
  /** Something waits to be written. */
  due(): void;
  /** Something of a response went out. */
  progressed(): void;
  /** A response has been given whole. */
  answered(): void;
}

/** From here on a part is worth the read of 64 KiB that it may keep alive. */
const largePartBytes = 8 * 1024;

/**
 * One request of a client in HTTP/2. It begins when all that one read brought has been seen: what
 * is taken back in the same breath costs nothing behind the gateway.
 *
 *   HEADERS ─▶ seen ─end of the read─▶ begun ─response given─▶ over ─all of it sent─▶ closed
 *               └──────────────── RST_STREAM, end of the connection ──────────────────▲
 *
 * Limits of time: a body must come briskly until its response begins, but that of a gRPC call, which
 * may be a stream that has little to say. From then on it is the connection that has to show
 * signs of life. What is sent must be taken at some time.
 */
export class Http2Stream implements ClientStream, StreamReceiver, DeadlineOwner {
  readonly #host: StreamHost;
  readonly #stream: Stream;
  readonly #exchange: Exchange;
  readonly #refusal: WireError | undefined;
  #begun = false;
  #over = false;
  /** Content that the read which is being handled has brought. */
  readonly #came: Buffer[] = [];
  /** Octets of content that were handed on, and are not taken yet. */
  #untaken = 0;
  /** Octets of the body since its time limit last began anew. */
  #bodyBytes = 0;
  #waiting: 'body' | 'drain' | 'nothing' = 'nothing';
  #sentBefore = 0;
  #deadline: Deadline | undefined;

  constructor(host: StreamHost, stream: Stream, { head, refusal }: TakenHead) {
    this.#host = host;
    this.#stream = stream;
    this.#refusal = refusal;
    this.#exchange = host.taker.open(this, head);
  }

  get origin(): ConnectionOrigin {
    return this.#host.origin;
  }

  // ── The response ─────────────────────────────────────────────────────────────────────

  get responseBytes(): number {
    return this.#stream.outgoing.totalBytes;
  }

  interim(head: ResponseHead): void {
    this.#stream.head(responseFields(head, '', false));
  }

  begin(head: ResponseHead, extra: string, fromPeer: boolean): void {
    this.#stream.head(responseFields(head, extra, fromPeer));
  }

  answer(answer: OwnAnswer, context: AnswerContext): void {
    const { status, body } = answer;
    this.#stream.head([':status', String(status), ...answerFields(answer, context)]);
    if (typeof body !== 'string') return;
    if (!context.headOnly && status !== 204) {
      this.#stream.data(Buffer.from(body, 'latin1'), 0, body.length, false);
    }
    this.#stream.end([]);
  }

  data(bytes: Buffer, start: number, end: number, borrowed: boolean): void {
    this.#stream.data(bytes, start, end, borrowed);
  }

  end(trailers: readonly string[]): void {
    this.#stream.end(forwardedTrailers(trailers));
  }

  flush(): boolean {
    this.#host.due();
    return this.#stream.flush();
  }

  withdraw(): boolean {
    return this.#stream.withdraw();
  }

  // ── Called by the exchange ───────────────────────────────────────────────────────────

  resumeBody(): void {
    this.#take();
    if (this.#expectsBody()) this.#waitForBody();
    this.#host.due();
  }

  stalled(): void {
    this.#sentBefore = this.#stream.outgoing.sentBytes;
    this.#wait('drain', this.#host.runtime.limits.writeStallMs);
  }

  progressed(): void {
    this.#host.progressed();
  }

  /** Never asked for: no request in HTTP/2 offers to switch. */
  switchProtocol(): void {}

  endSwitched(): void {}

  done(): void {
    this.#over = true;
    this.#stopWaiting();
    const stream = this.#stream;
    if (!stream.outgoing.ended) stream.end([]);
    stream.discard();
    this.flush();
    if (stream.closed) this.#close();
    else this.stalled();
    this.#host.answered();
  }

  truncate(): void {
    this.#abandon(ErrorCode.INTERNAL_ERROR);
  }

  #abandon(code: number): void {
    this.#over = true;
    this.#close();
    this.#stream.reset(code);
    this.#host.due();
  }

  // ── The request ──────────────────────────────────────────────────────────────────────

  /** Of responses only. */
  onHead(): void {}

  onData(bytes: Buffer, start: number, end: number): void {
    this.#untaken += end - start;
    this.#bodyBytes += end - start;
    this.#came.push(bytes.subarray(start, end));
  }

  /** What one read brought. Pieces that are small for the memory that they are in become one of their own. */
  #deliver(): void {
    const parts = this.#came.splice(0);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (bytes >= largePartBytes * parts.length) {
      for (const part of parts) this.#exchange.requestData(part);
    } else this.#exchange.requestData(Buffer.concat(parts, bytes));
  }

  onEnd(trailers: readonly string[]): void {
    this.#stopWaitingForBody();
    if (this.#came.length > 0) this.#deliver();
    this.#exchange.requestEnd(trailers);
  }

  onPause(): void {
    try {
      if (this.#came.length > 0) this.#deliver();
      if (!this.#begun) this.#begin();
      if (!this.#over) this.#handOn();
    } catch (error) {
      this.#refuse(error);
    }
  }

  #begin(): void {
    const { taker } = this.#host;
    this.#begun = true;
    if (this.#refusal) throw this.#refusal;
    taker.begin(this.#exchange);
  }

  #handOn(): void {
    const taken = this.#exchange.requestFlush();
    if (this.#over) return;
    if (taken) this.#take();
    if (!this.#expectsBody()) return;
    if (!taken) this.#stopWaitingForBody();
    else if (this.#waiting !== 'body' || this.#bodyIsBrisk()) this.#waitForBody();
  }

  #take(): void {
    const untaken = this.#untaken;
    this.#untaken = 0;
    this.#stream.consume(untaken);
  }

  #refuse(error: unknown): void {
    const { taker } = this.#host;
    const code = refusalCode(error);
    if (code === 'internal_error') taker.defect(error);
    if (!this.#exchange.responded) {
      taker.problem(this.#exchange, code, error instanceof WireError ? error.message : undefined);
      return;
    }
    this.#abandon(ErrorCode.INTERNAL_ERROR);
    this.#exchange.cancel();
  }

  onDrain(): void {
    if (this.#over) return;
    if (this.#waiting === 'drain') {
      this.#stopWaiting();
      if (this.#expectsBody()) this.#waitForBody();
    }
    this.#exchange.clientDrained();
  }

  onAbort(): void {
    this.#close();
    if (this.#over) return;
    this.#over = true;
    this.#exchange.cancel();
  }

  // ── Limits ───────────────────────────────────────────────────────────────────────────

  onDeadline(): void {
    const waiting = this.#waiting;
    this.#waiting = 'nothing';
    const { runtime, taker } = this.#host;
    if (waiting === 'drain') this.#onStall();
    else if (waiting === 'body' && !this.#exchange.responded) {
      runtime.generation.metrics.connectionEnded('body');
      taker.problem(this.#exchange, 'request_timeout');
    }
  }

  #onStall(): void {
    if (this.#stream.closed) return;
    if (this.#stream.outgoing.sentBytes > this.#sentBefore) {
      this.stalled();
      return;
    }
    this.#host.runtime.generation.metrics.connectionEnded('drain');
    const over = this.#over;
    this.#abandon(ErrorCode.CANCEL);
    if (!over) this.#exchange.cancel();
  }

  #expectsBody(): boolean {
    return !this.#over && !this.#stream.remoteEnded && !this.#stream.closed;
  }

  /** False while a body that nobody has answered yet comes too slowly to get more time. */
  #bodyIsBrisk(): boolean {
    return this.#bodyBytes >= this.#host.runtime.limits.bodyLeastBytes;
  }

  #waitForBody(): void {
    if (this.#exchange.responded || speaksGrpc(this.#exchange.head.fields)) return;
    this.#bodyBytes = 0;
    if (this.#waiting !== 'drain') this.#wait('body', this.#host.runtime.limits.bodyIdleMs);
  }

  #wait(waiting: 'body' | 'drain', delayMs: number): void {
    this.#deadline ??= new Deadline(this.#host.runtime.wheel, this);
    this.#waiting = waiting;
    this.#deadline.set(delayMs);
  }

  /** Of the response the client may be waited for meanwhile. */
  #stopWaitingForBody(): void {
    if (this.#waiting === 'body') this.#stopWaiting();
  }

  #stopWaiting(): void {
    this.#waiting = 'nothing';
    this.#deadline?.clear();
  }

  #close(): void {
    this.#waiting = 'nothing';
    this.#deadline?.close();
  }
}
