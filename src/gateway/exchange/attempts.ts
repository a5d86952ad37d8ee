import type { Outcome } from '../../health/endpoint-table.ts';
import type { ResponseHead } from '../http1/response-parser.ts';
import type { Runtime } from '../runtime.ts';
import type { RouteView } from '../upstream/route-view.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';
import { choose, type EndpointTarget, type Target, unavailableCode } from './choose.ts';
import type { Exchange } from './exchange.ts';
import { failureOfPeer, isOfGateway } from './peer-problem.ts';
import type { Phases } from './phases.ts';
import { ReplayBuffer, replayBytes } from './replay-buffer.ts';
import {
  type AttemptFailure,
  countsAsFailure,
  type FailureKind,
  finalProblem,
  isOfNode,
  mayHaveBeenSent,
  type Retry,
  retryAfter,
} from './retry.ts';

const statusFailure: AttemptFailure = { kind: 'status', reused: false };

/**
 * The attempts of requests, each at one place at a time, until one has an answer:
 *
 *   begin ─▶ choose ─▶ forward ──▶ answered ──▶ (the response goes to the client)
 *              ▲          │            │ a status to be retried, a region without a place
 *              │          ▼            │
 *              └─────── failed ◀───────┘   as far as that is safe, and there is a budget
 *
 * What an attempt says of its endpoint is told to the record that all threads share.
 */
export class Attempts {
  readonly #runtime: Runtime;
  readonly #phases: Pick<Phases, 'problem'>;

  constructor(runtime: Runtime, phases: Pick<Phases, 'problem'>) {
    this.#runtime = runtime;
    this.#phases = phases;
  }

  /** The next place, or the end. */
  begin(exchange: Exchange, view: RouteView): void {
    const choice = choose(view.backend, view, exchange);
    if (choice.kind === 'none') this.#phases.problem(exchange, finalProblem(exchange, choice.code));
    else this.#forward(exchange, view.target(choice), false);
  }

  #forward(exchange: Exchange, target: Target, fresh: boolean): void {
    const { generation } = exchange;
    exchange.target = target;
    if (exchange.attempts++ > 0) generation.metrics.retried(exchange.backend!.service.index);
    else if (exchange.idempotent || generation.isEdge) keepContent(exchange);
    if (target.kind === 'relay') {
      if (!fresh && !target.second) exchange.regions.push(target.region);
      generation.metrics.relayed(target.region);
    } else if (!this.#beginAttempt(exchange, target, fresh)) return;
    if (!exchange.attempt(generation.pool(target), fresh)) {
      this.failed(exchange, { kind: 'saturated', reused: false });
    }
  }

  /** False: others have taken the trials of a half-open endpoint, and it went elsewhere. */
  #beginAttempt(
    exchange: Exchange,
    { endpoint, lastResort }: EndpointTarget,
    fresh: boolean,
  ): boolean {
    const { index } = endpoint;
    if (fresh && !exchange.view!.active) {
      this.begin(exchange, exchange.view!);
      return false;
    }
    if (!fresh) exchange.endpoints.push(index);
    const admission = exchange.gate!.begin(index, lastResort);
    if (admission === 'refused') {
      this.begin(exchange, exchange.view!);
      return false;
    }
    const startedMs =
      exchange.attempts > 1 ? this.#runtime.clock.monotonicMs() : exchange.startedMs;
    const { exclusive } = exchange.backend!;
    if (exclusive) exchange.generation.exclusiveRequests.add(exclusive.index, exchange);
    exchange.attemptAt = { endpoint: index, admission, startedMs, settled: false };
    return true;
  }

  /** The region stopped being active while a connection was made: nothing is sent. */
  withholds(exchange: Exchange): boolean {
    const view = exchange.view!;
    if (exchange.target!.kind === 'relay' || view.active) return false;
    exchange.abandon();
    this.end(exchange, 'neutral');
    this.begin(exchange, view);
    return true;
  }

  /** The region is active no more: what the service has not got whole, it does not get. */
  lapsed(exchange: Exchange): void {
    if (exchange.requestComplete && !exchange.switched) return;
    this.end(exchange, 'neutral');
    if (exchange.responded) {
      exchange.generation.metrics.connectionEnded('notActive');
      exchange.breakOff();
    } else this.#phases.problem(exchange, exchange.sent ? 'no_longer_active' : 'not_active');
  }

  /** What became of an attempt at an own endpoint is known. */
  #settle({ attemptAt, gate, generation }: Exchange, outcome: Outcome): void {
    if (!attemptAt || attemptAt.settled) return;
    attemptAt.settled = true;
    const { endpoint, admission, startedMs } = attemptAt;
    if (gate!.settle(endpoint, admission, outcome, startedMs)) generation.metrics.ejected(endpoint);
  }

  /** It is over; if nothing was known of it, this is what became of it. */
  end(exchange: Exchange, outcome: Outcome): void {
    const { attemptAt, gate } = exchange;
    if (!attemptAt) return;
    this.#settle(exchange, outcome);
    gate!.release(attemptAt.endpoint);
    const { exclusive } = exchange.backend!;
    if (exclusive) exchange.generation.exclusiveRequests.remove(exclusive.index, exchange);
    exchange.attemptAt = undefined;
  }

  failed(exchange: Exchange, failure: AttemptFailure): void {
    const { target, view } = exchange;
    exchange.lastFailure = failure.kind;
    this.#blame(exchange, failure);
    const retry = this.#mayRetry(exchange, failure);
    if (retry === 'again') {
      exchange.refreshed = true;
      this.#forward(exchange, target!, true);
    } else if (retry === 'elsewhere') this.#elsewhere(exchange, view!, failure.kind);
    else this.#phases.problem(exchange, finalProblem(exchange, unavailableCode(view!.backend)));
  }

  /** Where it was the node that failed, another one of its region comes before other regions. */
  #elsewhere(exchange: Exchange, view: RouteView, kind: FailureKind): void {
    const { target } = exchange;
    const other = target?.kind === 'relay' && isOfNode(kind) ? view.otherNode(target) : undefined;
    if (other) this.#forward(exchange, other, false);
    else this.begin(exchange, view);
  }

  #blame(exchange: Exchange, failure: AttemptFailure): void {
    const counts = countsAsFailure(failure);
    const { target } = exchange;
    const endpoint = target?.kind === 'endpoint' ? target.endpoint.index : -1;
    exchange.generation.metrics.failure(endpoint, failure.kind);
    this.end(exchange, counts ? 'failure' : 'neutral');
  }

  /** By what is safe, by how often, and by the budget of the service. */
  #mayRetry(exchange: Exchange, failure: AttemptFailure): Retry {
    const retry = retryAfter(failure, exchange);
    if (retry !== 'elsewhere') return retry;
    const { service, budget } = exchange.gate!;
    if (exchange.attempts > service.config.retries.attempts) {
      exchange.generation.metrics.retryWithheld(service.index, 'attempts');
      return 'no';
    }
    // A region that is lost takes no part of the load, and each other one gets a request once.
    const isLost = exchange.target!.kind === 'relay' && isOfNode(failure.kind);
    if (!isLost && mayHaveBeenSent(failure.kind) && !exchange.retrying) {
      exchange.retrying = budget.grant();
      if (!exchange.retrying) {
        exchange.generation.metrics.retryWithheld(service.index, 'budget');
        return 'no';
      }
    }
    return 'elsewhere';
  }

  /** The head of a response came. True: the request has gone elsewhere because of it. */
  answered(exchange: Exchange, head: ResponseHead, stream: UpstreamStream): boolean {
    if (exchange.target!.kind === 'endpoint') return this.#statusFails(exchange, head, stream);
    return head.status >= 502 && this.#relayElsewhere(exchange, head, stream);
  }

  /** What a status says of the endpoint. True: the request has gone elsewhere because of it. */
  #statusFails(exchange: Exchange, head: ResponseHead, stream: UpstreamStream): boolean {
    const { ejection, retries } = exchange.backend!.service.config;
    const { status } = head;
    const { attemptAt } = exchange;
    const latencyMs = this.#runtime.clock.monotonicMs() - attemptAt!.startedMs;
    exchange.generation.metrics.response(attemptAt!.endpoint, status, latencyMs);
    const failed = ejection.statuses.length > 0 && ejection.statuses.includes(status);
    this.#settle(exchange, failed ? 'failure' : 'success');
    if (retries.statuses.length === 0 || !retries.statuses.includes(status)) return false;
    if (exchange.switched || this.#mayRetry(exchange, statusFailure) !== 'elsewhere') return false;
    const view = exchange.view!;
    const next = choose(view.backend, view, exchange);
    if (next.kind === 'none' || (next.kind === 'endpoint' && next.lastResort)) return false;
    stream.detach();
    this.end(exchange, 'neutral');
    exchange.lastFailure = 'status';
    this.#forward(exchange, view.target(next), false);
    return true;
  }

  /** The other region has nothing usable either: another one may. */
  #relayElsewhere(exchange: Exchange, head: ResponseHead, stream: UpstreamStream): boolean {
    if (!isOfGateway(head)) return false;
    const failure = failureOfPeer(head);
    if (this.#mayRetry(exchange, failure) === 'no') return false;
    const view = exchange.view!;
    const next = choose(view.backend, view, exchange);
    if (next.kind === 'none') return false;
    stream.detach();
    exchange.lastFailure = failure.kind;
    this.#forward(exchange, view.target(next), false);
    return true;
  }

  reconsider(exchange: Exchange): void {
    const { target, view } = exchange;
    if (!view || retryAfter({ kind: 'abandoned', reused: false }, exchange) === 'no') return;
    if (view.stillGood(target!)) return;
    const next = this.#better(exchange, view);
    if (!next) return;
    exchange.abandon();
    this.end(exchange, 'neutral');
    exchange.lastFailure = 'abandoned';
    this.#forward(exchange, next, false);
  }

  #better(exchange: Exchange, view: RouteView): Target | undefined {
    const { target } = exchange;
    const other = target?.kind === 'relay' ? view.otherNode(target) : undefined;
    if (other) return other;
    const choice = choose(view.backend, view, exchange);
    return choice.kind === 'none' ? undefined : view.target(choice);
  }
}

/** From now on, unless it is known to be too long. */
function keepContent(exchange: Exchange): void {
  const { body } = exchange.head;
  if (body.kind === 'none') return;
  if (body.kind !== 'length' || body.length <= replayBytes) exchange.replay = new ReplayBuffer();
}
