import type { Exchange } from '../exchange/exchange.ts';
import type { ProblemCode } from '../exchange/problems.ts';
import type { RequestHead } from '../http1/request-parser.ts';
import type { Client } from './client.ts';
import type { ClientStream } from './client-stream.ts';

/** Turns what a connection reads into exchanges. `Lifecycle` is the one. */
export interface RequestTaker {
  open(client: ClientStream, head: RequestHead): Exchange;
  /** Decides and starts; everything that came with the head has been given to the exchange. */
  begin(exchange: Exchange): void;
  problem(exchange: Exchange, code: ProblemCode, detail?: string): void;
  /** The text of an answer to something that is no request; logs it. */
  refusal(client: Client, code: ProblemCode, detail: string): string;
  /** An error that no peer can cause: a defect of the gateway. */
  defect(error: unknown): void;
  /** The connection ends. */
  closed(client: Client): void;
}
