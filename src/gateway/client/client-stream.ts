import type { AnswerContext, OwnAnswer } from '../exchange/answers.ts';
import type { ConnectionOrigin } from '../exchange/forwarding.ts';
import type { ResponseHead } from '../http1/response-parser.ts';

/**
 * Where one request came from and its response goes: an HTTP/1.1 connection, which is that
 * of one request after the other, or a stream of an HTTP/2 connection. What differs between
 * versions on the wire (framing, keep-alive, how an end is told) is decided behind it.
 *
 *   interim* ─▶ begin | answer ─▶ data* ─▶ end ─▶ done
 *                   │               └ truncate: the response broke off
 *                   └ withdraw: nothing of it has left; another may begin
 *
 * After `interim`, `begin`, `data`, `end` the caller calls `flush` before it returns to the
 * event loop.
 */
export interface ClientStream {
  readonly origin: ConnectionOrigin;
  /** Of the response begun last, head and framing included. */
  readonly responseBytes: number;

  /** A 1xx other than 101. */
  interim(head: ResponseHead): void;
  /**
   * Starts the response, also a 101. Hop-by-hop fields of `head` are left out here.
   *
   * @param extra lines of the gateway itself, each with CRLF
   * @param fromPeer answered by another region's gateway, whose marks are kept
   */
  begin(head: ResponseHead, extra: string, fromPeer: boolean): void;
  /** Starts an answer of our own, whole with its body where that is text. */
  answer(answer: OwnAnswer, context: AnswerContext): void;
  /** Content bytes[start,end). `borrowed`: the memory is reused after the call. */
  data(bytes: Buffer, start: number, end: number, borrowed: boolean): void;
  end(trailers: readonly string[]): void;
  /** False: the client takes no more for now; `clientDrained` follows. */
  flush(): boolean;
  /** Takes back the response begun last, if none of it was written. */
  withdraw(): boolean;

  /** The upstream takes request bytes again. */
  resumeBody(): void;
  /** The client takes no more for now: from here its limit runs. */
  stalled(): void;
  /** Response bytes went out. */
  progressed(): void;

  /** 101 was sent: from now on bytes go both ways as they come. */
  switchProtocol(): void;
  /** After a switch: the upstream sends no more. */
  endSwitched(): void;

  /** The exchange is over. `clean`: request and response ended as they should. */
  done(clean: boolean): void;
  /** The response broke off and must not pass for a complete one. */
  truncate(): void;
}
