import type { Exchange } from './exchange.ts';
import type { ResponseHead } from './http1/response-parser.ts';
import type { ProblemCode } from './problems.ts';
import type { AttemptFailure } from './retry.ts';
import type { UpstreamConnection } from './upstream/connection.ts';

/** The decisions about a request, in the order of its life. `Lifecycle` is the one. */
export interface Phases {
  /** The head of an attempt, ready to be sent. */
  requestHead(exchange: Exchange): string;
  respond(exchange: Exchange, head: ResponseHead, connection: UpstreamConnection): void;
  failed(exchange: Exchange, failure: AttemptFailure): void;
  problem(exchange: Exchange, code: ProblemCode): void;
  /** Looks again at an attempt without a response, now that health has changed. */
  reconsider(exchange: Exchange): void;
  /** Called once, whatever became of it. */
  ended(exchange: Exchange): void;
}
