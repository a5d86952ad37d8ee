import type { Socket } from 'node:net';
import { type AnswerContext, type OwnAnswer, serialiseAnswer } from '../exchange/answers.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { ConnectionOrigin } from '../exchange/forwarding.ts';
import { MessageWriter } from '../http1/message-writer.ts';
import type { ResponseHead } from '../http1/response-parser.ts';
import { lastChunk, lastChunkWith, serialiseResponseHead } from '../http1/serialise.ts';
import { framingFor } from './framing-for.ts';

/** The half of an HTTP/1.1 connection that responses leave by. */
export abstract class ResponseSide {
  readonly socket: Socket;
  readonly origin: ConnectionOrigin;
  protected readonly writer: MessageWriter;
  /** Of the response begun last: whether the connection outlives it. */
  protected keepAlive = false;
  /** The client knows its end by the close only. */
  #byClose = false;

  constructor(socket: Socket, origin: ConnectionOrigin) {
    this.socket = socket;
    this.origin = origin;
    this.writer = new MessageWriter(socket);
  }

  /** Whose response is under way. */
  protected abstract get exchange(): Exchange | undefined;
  protected abstract mayKeepAlive(exchange: Exchange): boolean;

  get responseBytes(): number {
    return this.writer.messageBytes;
  }

  interim(head: ResponseHead): void {
    if (this.exchange?.head.minor === 0) return;
    this.writer.interim(
      serialiseResponseHead({ head, body: head.body, keepAlive: true, extra: '', fromPeer: false }),
    );
  }

  begin(head: ResponseHead, extra: string, fromPeer: boolean): void {
    const exchange = this.exchange!;
    const clientMinor = exchange.head.minor;
    const body = framingFor(clientMinor, head.body);
    this.#byClose = body.kind === 'close';
    this.keepAlive = !this.#byClose && this.mayKeepAlive(exchange);
    const { keepAlive } = this;
    const text = serialiseResponseHead({ head, body, keepAlive, extra, fromPeer, clientMinor });
    this.writer.begin(text, body.kind === 'chunked');
  }

  answer(answer: OwnAnswer, context: AnswerContext): void {
    const exchange = this.exchange!;
    this.#byClose = false;
    this.keepAlive = this.mayKeepAlive(exchange);
    const text = serialiseAnswer(answer, context, this.keepAlive, exchange.head.minor);
    this.writer.begin(text, false);
  }

  data(bytes: Buffer, start: number, end: number, borrowed: boolean): void {
    this.writer.data(bytes, start, end, borrowed);
  }

  end(trailers: readonly string[]): void {
    this.writer.end(trailers.length === 0 ? lastChunk : lastChunkWith(trailers));
  }

  flush(): boolean {
    return this.writer.flush();
  }

  withdraw(): boolean {
    return this.writer.withdraw();
  }

  endSwitched(): void {
    this.socket.end();
  }

  /** Resets where a mere close would pass for the end of the response. */
  truncate(): void {
    // A TLS stream that ends without close_notify is known to be cut off.
    if (this.#byClose && !this.origin.secure) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  /** Ends at once. */
  abort(): void {
    this.socket.destroy();
  }
}
