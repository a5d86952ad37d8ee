import type { Exchange } from '../exchange/exchange.ts';
import type { ProblemCode } from '../exchange/problems.ts';
import type { ResponseHead } from '../http1/response-parser.ts';
import type { Runtime } from '../runtime.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';
import { EditedFields } from './field-editor.ts';
import { Pending } from './pending.ts';
import type { PolicyAnswer } from './policy.ts';
import type { PolicyList } from './policy-list.ts';
import { RoutedRequest } from './routed-request.ts';
import { isPromise, ownAnswerOf, runRequest, runResponse } from './run.ts';

/** What comes before and after policies. `Lifecycle` is the one. */
export interface AroundPolicies {
  /** The request has passed them. */
  serve(exchange: Exchange): void;
  problem(exchange: Exchange, code: ProblemCode): void;
  defect(error: unknown): void;
}

/** Runs the policies of a route on an exchange: at once, or when what they wait for is there. */
export class PolicyPhases {
  readonly #runtime: Runtime;
  readonly #phases: AroundPolicies;

  constructor(runtime: Runtime, phases: AroundPolicies) {
    this.#runtime = runtime;
    this.#phases = phases;
  }

  /** The request phase; it goes on by `serve`. */
  apply(exchange: Exchange, policies: PolicyList): void {
    try {
      const routed = new RoutedRequest(exchange, exchange.params);
      exchange.routed = routed;
      const outcome = runRequest(policies.request, routed);
      if (isPromise(outcome)) {
        this.#await(exchange, outcome, (answer) => this.#applied(exchange, answer));
      } else this.#applied(exchange, outcome);
    } catch (error) {
      this.#policyFailed(exchange, error);
    }
  }

  #applied(exchange: Exchange, answer: PolicyAnswer | undefined): void {
    if (answer === undefined) this.#phases.serve(exchange);
    else exchange.answer(ownAnswerOf(answer));
  }

  #await<Value>(exchange: Exchange, promise: Promise<Value>, next: (value: Value) => void): void {
    const { wheel, limits } = this.#runtime;
    exchange.pending = new Pending(wheel, promise, limits.policyMs, {
      done: (value) => {
        exchange.pending = undefined;
        try {
          next(value);
        } catch (error) {
          this.#policyFailed(exchange, error);
        }
      },
      failed: (error) => {
        exchange.pending = undefined;
        this.#policyFailed(exchange, error);
      },
    });
  }

  /** A step that protects something is never passed over: the request ends here. */
  #policyFailed(exchange: Exchange, error: unknown): void {
    this.#phases.defect(error);
    if (!exchange.responded) this.#phases.problem(exchange, 'policy_failed');
  }

  /** The response phase; then it goes to the client. */
  applyToResponse(
    exchange: Exchange,
    head: ResponseHead,
    extra: string,
    fromPeer: boolean,
    stream: UpstreamStream,
  ): void {
    const { routed, route } = exchange;
    const headers = new EditedFields(head.fields);
    const forwarded = () => {
      exchange.editedResponse = headers;
      exchange.forward({ ...head, fields: headers.kept }, extra + headers.lines, fromPeer);
    };
    try {
      const response = { status: head.status, headers };
      const outcome = runResponse(route!.policies!.response, response, routed!);
      if (isPromise(outcome)) {
        exchange.holdResponse(stream);
        this.#await(exchange, outcome, forwarded);
      } else forwarded();
    } catch (error) {
      this.#policyFailed(exchange, error);
    }
  }
}
