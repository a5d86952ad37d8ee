import type { ResponseHead } from '../http1/response-parser.ts';
import type { OutgoingRequest } from '../http1/serialise.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';
import type { Exchange } from './exchange.ts';
import type { ProblemCode } from './problems.ts';
import type { AttemptFailure } from './retry.ts';

/** The decisions about a request, in the order of its life. `Lifecycle` is the one. */
export interface Phases {
  /** What an attempt sends, but for the body. */
  outgoing(exchange: Exchange): OutgoingRequest;
  /** Whether an attempt that waited for its connection is not to be sent there any more; then it went elsewhere. */
  withholds(exchange: Exchange): boolean;
  /** The region is active no more for what it is for. */
  lapsed(exchange: Exchange): void;
  respond(exchange: Exchange, head: ResponseHead, stream: UpstreamStream): void;
  failed(exchange: Exchange, failure: AttemptFailure): void;
  /** `fields`: lines of its own, each with CRLF. */
  problem(exchange: Exchange, code: ProblemCode, detail?: string, fields?: string): void;
  /** Looks again at an attempt without a response, now that health has changed. */
  reconsider(exchange: Exchange): void;
  /** It waited for a place at its service, and has it; or has waited too long. */
  placed(exchange: Exchange): void;
  notPlaced(exchange: Exchange): void;
  /** Its total time has passed. */
  expired(exchange: Exchange): void;
  /** Called once, whatever became of it. */
  ended(exchange: Exchange): void;
}
