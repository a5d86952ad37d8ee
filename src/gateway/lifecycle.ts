import type { Outcome } from '../health/endpoint-table.ts';
import { formatAccessEntry } from '../observability/access-entry.ts';
import type { Redirected } from './actions/redirect.ts';
import { grpcProblemAnswer, problemAnswer, serialiseAnswer, speaksGrpc } from './answers.ts';
import { choose, type EndpointTarget, type Target, unavailableCode } from './choose.ts';
import type { ClientStream } from './client/client-stream.ts';
import type { ClientConnection } from './client/connection.ts';
import type { RequestTaker } from './client/request-taker.ts';
import { accessEntryOf, refusalEntry } from './entry-of.ts';
import { Exchange } from './exchange.ts';
import { hopsOf, identify, ownLines, relayLines } from './forwarding.ts';
import { findField } from './http1/fields.ts';
import type { RequestHead } from './http1/request-parser.ts';
import type { ResponseHead } from './http1/response-parser.ts';
import type { OutgoingRequest } from './http1/serialise.ts';
import { WireError } from './http1/wire-error.ts';
import { listenerRedirect } from './listener/redirect.ts';
import { healthPath, ownAnswer, reservedPrefix } from './own-resources.ts';
import { normalisePath } from './path.ts';
import type { Phases } from './phases.ts';
import { EditedFields } from './policies/field-editor.ts';
import { Pending } from './policies/pending.ts';
import type { PolicyAnswer } from './policies/policy.ts';
import type { PolicyList } from './policies/policy-list.ts';
import { RoutedRequest } from './policies/routed-request.ts';
import { isPromise, ownAnswerOf, runRequest, runResponse } from './policies/run.ts';
import { isProblemCode, type ProblemCode, problems } from './problems.ts';
import { parseGrpcTimeout } from './resilience/grpc-timeout.ts';
import { shedShare } from './resilience/shedding.ts';
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
import type { Runtime } from './runtime.ts';
import type { RoutePlan } from './snapshot.ts';
import type { RouteView } from './upstream/route-view.ts';
import type { UpstreamStream } from './upstream/upstream-stream.ts';

/** On the link only: a problem of the answering gateway, not a response of a service. */
const problemField = 'Meridian-Problem';

/**
 * The phases of a request, in order:
 *
 *   1 normalise      one canonical path, for everything that follows; a host of its connection
 *   2 answer itself  the gateway's own resources, redirects of a listener
 *   3 route          host, path, method → route
 *   4 authorise hop  a relayed request is never relayed again
 *   5 apply          request policies of the route; one may answer, or let wait
 *   6 choose         own endpoint, other region, last resort, or 503    ◀─┐
 *   7 forward        a connection, the head, the body as it comes         │ may be
 *   8 respond        response policies, then the response as it comes ── no response ─────────────┘ sent again
 *   9 log            metrics and access log, once, whatever happened
 */
export class Lifecycle implements RequestTaker, Phases {
  readonly #runtime: Runtime;
  readonly #onClosed: (client: ClientConnection) => void;
  readonly #onDefect: (error: unknown) => void;

  constructor(
    runtime: Runtime,
    onClosed: (client: ClientConnection) => void,
    onDefect: (error: unknown) => void,
  ) {
    this.#runtime = runtime;
    this.#onClosed = onClosed;
    this.#onDefect = onDefect;
  }

  open(client: ClientStream, head: RequestHead): Exchange {
    const identity = identify(head, client.origin, this.#runtime.random);
    this.#runtime.generation.requestBegan();
    return new Exchange(this.#runtime, this, client, head, identity);
  }

  begin(exchange: Exchange): void {
    if (!this.#normalise(exchange) || this.#answerItself(exchange)) return;
    if (this.#redirect(exchange)) return;
    const route = this.#route(exchange);
    if (!route || !this.#authoriseHop(exchange)) return;
    this.#chooseService(exchange, route);
    if (!this.#admit(exchange, route)) return;
    const { policies } = route;
    if (policies && !exchange.relayed) this.#applyPolicies(exchange, policies);
    else this.#serve(exchange);
  }

  // 1 ─ normalise
  #normalise(exchange: Exchange): boolean {
    const { head } = exchange;
    if (!exchange.client.origin.admitsHost(head.host)) {
      this.problem(exchange, 'misdirected_request');
      return false;
    }
    if (head.form === 'asterisk') {
      exchange.path = '*';
      return true;
    }
    try {
      exchange.path = normalisePath(head.path);
      return true;
    } catch (error) {
      if (!(error instanceof WireError) || !isProblemCode(error.code)) throw error;
      this.problem(exchange, error.code, error.message);
      return false;
    }
  }

  // 2 ─ answer itself
  #answerItself(exchange: Exchange): boolean {
    const { path, method } = exchange;
    if (path === '*') {
      exchange.answer({ status: 204, contentType: '', body: '', fields: '' });
      return true;
    }
    if (method === 'TRACE') {
      this.problem(exchange, 'method_not_supported');
      return true;
    }
    if (!path.startsWith(reservedPrefix)) return false;
    const answer = ownAnswer(exchange);
    if (!answer) this.problem(exchange, 'route_not_found');
    else if (method === 'GET' || method === 'HEAD') exchange.answer(answer);
    else this.problem(exchange, 'method_not_allowed', undefined, 'Allow: GET, HEAD\r\n');
    return true;
  }

  /** Of the listener; what is asked of the gateway itself, such as its health, is no part of that. */
  #redirect(exchange: Exchange): boolean {
    const { client, head, path } = exchange;
    if (client.origin.entrance.redirect === undefined) return false;
    const answer = listenerRedirect(client.origin, head, path);
    if (answer === 'bad_host') this.problem(exchange, answer);
    else if (answer) exchange.answer(answer);
    return true;
  }

  // 3 ─ route
  #route(exchange: Exchange): RoutePlan | undefined {
    const { generation, head, path } = exchange;
    const match = generation.match(head.host, path, head);
    if (match.kind === 'route') {
      exchange.params = match.params;
      exchange.basePath = match.basePath;
      exchange.route = generation.route(match.index);
      return exchange.route;
    }
    if (match.kind === 'none') this.problem(exchange, 'route_not_found');
    else if (match.kind === 'unknownHost') this.problem(exchange, 'misdirected_request');
    else {
      const allow = `Allow: ${match.allow.join(', ')}\r\n`;
      this.problem(exchange, 'method_not_allowed', undefined, allow);
    }
    return undefined;
  }

  /** Refuses what there is no room for: the content is too large, or the thread cannot keep up. */
  #admit(exchange: Exchange, route: RoutePlan): boolean {
    const { body } = exchange.head;
    if (body.kind === 'length' && body.length > route.bodyLimit) {
      this.problem(exchange, 'body_too_large');
      return false;
    }
    const { lagMs } = this.#runtime.lag;
    const { shedding } = exchange.generation;
    if (shedding !== 'off' && lagMs > shedding.lag) {
      if (Math.random() < shedShare(route.priority, lagMs, shedding.lag)) {
        this.problem(exchange, 'overloaded', undefined, retryLater);
        return false;
      }
    }
    return true;
  }

  /**
   * At once, since a generation that is replaced forgets its views. A request that another
   * region relayed is for the service that was chosen there.
   */
  #chooseService(exchange: Exchange, route: RoutePlan): void {
    if (route.backends.length === 0) return;
    const { generation, head, relayed } = exchange;
    const named = relayed ? findField(head.fields, 'meridian-service') : undefined;
    exchange.view = generation.view(route, named);
    exchange.backend = exchange.view.backend;
  }

  // 4 ─ authorise hop
  #authoriseHop(exchange: Exchange): boolean {
    const hops = hopsOf(exchange.head, exchange.client.origin);
    exchange.relayed = hops !== 0;
    if (hops !== undefined && hops <= 1) return true;
    this.problem(exchange, 'hop_limit');
    return false;
  }

  // 5 ─ apply
  #applyPolicies(exchange: Exchange, policies: PolicyList): void {
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
    if (answer === undefined) this.#serve(exchange);
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
    this.#onDefect(error);
    if (!exchange.answered) this.problem(exchange, 'policy_failed');
  }

  /** What the route does with a request that its policies let through. */
  #serve(exchange: Exchange): void {
    const { route, view } = exchange;
    if (view) this.#enter(exchange, view);
    else if (route!.redirect) exchange.answer(route!.redirect(redirectedOf(exchange)));
    else exchange.answer(route!.answer!);
  }

  /** Takes a place at the service, where it has only so many. */
  #enter(exchange: Exchange, view: RouteView): void {
    const { gate } = view;
    const totalMs = totalOf(exchange);
    if (totalMs !== undefined) exchange.limitTotal(totalMs);
    gate.budget.requestBegan();
    exchange.gate = gate;
    const entered = gate.limit?.enter(exchange) ?? 'free';
    if (entered === 'waiting') return;
    if (entered === 'full') {
      this.notPlaced(exchange);
      return;
    }
    exchange.hasPlace = entered === 'entered';
    this.#attempt(exchange, view);
  }

  placed(exchange: Exchange): void {
    this.#attempt(exchange, exchange.view!);
  }

  notPlaced(exchange: Exchange): void {
    this.problem(exchange, 'service_saturated', undefined, retryLater);
  }

  expired(exchange: Exchange): void {
    this.#endAttempt(exchange, 'failure');
    if (exchange.answered) exchange.breakOff();
    else this.problem(exchange, 'request_deadline_exceeded');
  }

  // 6 ─ choose
  #attempt(exchange: Exchange, view: RouteView): void {
    const choice = choose(view.backend, view, exchange);
    if (choice.kind === 'none') this.problem(exchange, finalProblem(exchange, choice.code));
    else this.#forward(exchange, view.target(choice), false);
  }

  // 7 ─ forward
  #forward(exchange: Exchange, target: Target, fresh: boolean): void {
    const { generation } = exchange;
    exchange.target = target;
    if (exchange.attempts++ > 0) generation.metrics.retried(exchange.backend!.service.index);
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
    if (!fresh) exchange.endpoints.push(index);
    const admission = exchange.gate!.begin(index, lastResort);
    if (admission === 'refused') {
      this.#attempt(exchange, exchange.view!);
      return false;
    }
    const startedMs =
      exchange.attempts > 1 ? this.#runtime.clock.monotonicMs() : exchange.startedMs;
    exchange.attemptAt = { endpoint: index, admission, startedMs, settled: false };
    return true;
  }

  /** What became of an attempt at an own endpoint is known. */
  #settle({ attemptAt, gate, generation }: Exchange, outcome: Outcome): void {
    if (!attemptAt || attemptAt.settled) return;
    attemptAt.settled = true;
    const { endpoint, admission, startedMs } = attemptAt;
    if (gate!.settle(endpoint, admission, outcome, startedMs)) generation.metrics.ejected(endpoint);
  }

  /** It is over; if nothing was known of it, this is what became of it. */
  #endAttempt(exchange: Exchange, outcome: Outcome): void {
    const { attemptAt, gate } = exchange;
    if (!attemptAt) return;
    this.#settle(exchange, outcome);
    gate!.release(attemptAt.endpoint);
    exchange.attemptAt = undefined;
  }

  outgoing(exchange: Exchange): OutgoingRequest {
    const { head, client, identity, target, generation, route, backend } = exchange;
    const { regionName } = generation;
    const edited = exchange.routed?.headers;
    let extra = ownLines(head, client.origin, identity, regionName);
    if (edited) extra += edited.lines;
    const relay = target!.kind === 'relay';
    if (relay) extra += relayLines(regionName, identity.clientAddress, backend!.service.name);
    else if (exchange.basePath !== '') extra += `X-Forwarded-Prefix: ${exchange.basePath}\r\n`;
    return {
      method: head.method,
      // Another region's gateway routes again, by what the client sent.
      target: (relay ? exchange.path : servicePath(exchange)) + head.query,
      authority: (relay ? undefined : route!.rewrite?.host) ?? head.authority,
      head,
      fields: edited?.kept ?? head.fields,
      body: head.body,
      extra,
      strip: client.origin.peerRegion === undefined ? 'outside' : 'link',
    };
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
    else this.problem(exchange, finalProblem(exchange, unavailableCode(view!.backend)));
  }

  /** Where it was the node that failed, another one of its region comes before other regions. */
  #elsewhere(exchange: Exchange, view: RouteView, kind: FailureKind): void {
    const { target } = exchange;
    const other = target?.kind === 'relay' && isOfNode(kind) ? view.otherNode(target) : undefined;
    if (other) this.#forward(exchange, other, false);
    else this.#attempt(exchange, view);
  }

  #blame(exchange: Exchange, failure: AttemptFailure): void {
    const counts = countsAsFailure(failure);
    const { target } = exchange;
    const endpoint = target?.kind === 'endpoint' ? target.endpoint.index : -1;
    exchange.generation.metrics.failure(endpoint, failure.kind);
    this.#endAttempt(exchange, counts ? 'failure' : 'neutral');
  }

  /** By what is safe, by how often, and by the budget of the service. */
  #mayRetry(exchange: Exchange, failure: AttemptFailure): Retry {
    const retry = retryAfter(failure, exchange);
    if (retry !== 'elsewhere') return retry;
    const gate = exchange.gate!;
    if (exchange.attempts > gate.service.config.retries.attempts) return 'no';
    if (mayHaveBeenSent(failure.kind) && !exchange.retrying) {
      exchange.retrying = gate.budget.grant();
      if (!exchange.retrying) return 'no';
    }
    return 'elsewhere';
  }

  // 8 ─ respond
  respond(exchange: Exchange, head: ResponseHead, stream: UpstreamStream): void {
    const { target, generation } = exchange;
    const fromPeer = target!.kind === 'relay';
    if (target!.kind === 'endpoint') {
      if (this.#statusFails(exchange, head, stream)) return;
    } else if (head.status >= 502 && this.#relayElsewhere(exchange, head, stream)) return;
    let extra = `X-Request-Id: ${exchange.identity.requestId}\r\n`;
    const { sticky } = exchange.gate!.balancing;
    if (sticky && target!.kind === 'endpoint') {
      extra += sticky.cookieLine(exchange, target!.endpoint) ?? '';
    }
    if (!fromPeer) extra += `Meridian-Region: ${generation.regionName}\r\n`;
    const policies = exchange.routed && exchange.route!.policies!.response;
    if (!policies?.length || isOfGateway(head) || head.status === 101) {
      exchange.forward(head, extra, fromPeer);
    } else this.#applyToResponse(exchange, head, extra, fromPeer, stream);
  }

  #applyToResponse(
    exchange: Exchange,
    head: ResponseHead,
    extra: string,
    fromPeer: boolean,
    stream: UpstreamStream,
  ): void {
    const { routed, route } = exchange;
    const headers = new EditedFields(head.fields);
    const forwarded = () => {
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
    this.#endAttempt(exchange, 'neutral');
    exchange.lastFailure = 'status';
    this.#forward(exchange, view.target(next), false);
    return true;
  }

  /** The other region has nothing usable either: another one may. */
  #relayElsewhere(exchange: Exchange, head: ResponseHead, stream: UpstreamStream): boolean {
    if (!isOfGateway(head)) return false;
    const refused = { kind: 'refusedByPeer', reused: false } as const;
    if (this.#mayRetry(exchange, refused) === 'no') return false;
    const view = exchange.view!;
    const next = choose(view.backend, view, exchange);
    if (next.kind === 'none') return false;
    stream.detach();
    exchange.lastFailure = 'refusedByPeer';
    this.#forward(exchange, view.target(next), false);
    return true;
  }

  problem(exchange: Exchange, code: ProblemCode, detail?: string, fields = ''): void {
    exchange.problemCode = code;
    const fromLink = exchange.client.origin.peerRegion !== undefined;
    const marked = fromLink ? `${fields}${problemField}: ${code}\r\n` : fields;
    const { requestId } = exchange.identity;
    const grpc = exchange.head.version === '2' && speaksGrpc(exchange.head.fields);
    exchange.answer(
      grpc ? grpcProblemAnswer(code, marked) : problemAnswer(code, requestId, marked, detail),
    );
  }

  reconsider(exchange: Exchange): void {
    const { target, view } = exchange;
    if (!view || retryAfter({ kind: 'abandoned', reused: false }, exchange) === 'no') return;
    if (view.stillGood(target!)) return;
    const next = this.#better(exchange, view);
    if (!next) return;
    exchange.abandon();
    this.#endAttempt(exchange, 'neutral');
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

  // 9 ─ log
  ended(exchange: Exchange): void {
    this.#endAttempt(exchange, 'neutral');
    const { gate } = exchange;
    if (gate) {
      gate.budget.requestEnded(exchange.retrying);
      if (exchange.hasPlace) gate.limit!.leave();
      else gate.limit?.cancel(exchange);
    }
    this.#record(exchange);
    exchange.generation.requestEnded();
  }

  #record(exchange: Exchange): void {
    const { accessLog, clock } = this.#runtime;
    const { metrics } = exchange.generation;
    const durationMs = clock.monotonicMs() - exchange.startedMs;
    metrics.bytesOut(exchange.sentBytes);
    // Probes, of every region and several times a second: no requests of users.
    if (exchange.path === healthPath && exchange.problemCode === undefined) return;
    metrics.request({
      route: exchange.route?.index ?? -1,
      service: exchange.backend?.service.index ?? -1,
      status: exchange.status,
      durationMs,
      bytesIn: exchange.receivedBytes,
      bytesOut: exchange.sentBytes,
    });
    if (exchange.problemCode !== undefined) metrics.refused(exchange.problemCode);
    accessLog?.write(formatAccessEntry(accessEntryOf(exchange, durationMs)));
  }

  refusal(client: ClientConnection, code: ProblemCode, detail: string): string {
    const { clock, random, accessLog } = this.#runtime;
    const { metrics, regionName } = this.#runtime.generation;
    const { status } = problems[code];
    const requestId = random.next(16);
    metrics.request({ route: -1, service: -1, status, durationMs: 0, bytesIn: 0, bytesOut: 0 });
    metrics.refused(code);
    accessLog?.write(
      formatAccessEntry(refusalEntry(client.origin.address, code, requestId, clock.wallMs())),
    );
    const answer = problemAnswer(code, requestId, '', detail === '' ? undefined : detail);
    const context = { requestId, region: regionName, wallMs: clock.wallMs(), headOnly: false };
    return serialiseAnswer(answer, context, false, 1);
  }

  defect(error: unknown): void {
    this.#onDefect(error);
  }

  closed(client: ClientConnection): void {
    this.#onClosed(client);
  }
}

/** A problem that another gateway answered with. */
function isOfGateway({ fields }: ResponseHead): boolean {
  return findField(fields, problemField.toLowerCase()) !== undefined;
}

/** The path without the base path of a domain. */
function routedPath({ path, basePath }: Exchange): string {
  return basePath === '' ? path : path.slice(basePath.length) || '/';
}

/** What the service sees as path. */
function servicePath(exchange: Exchange): string {
  const change = exchange.route!.rewrite?.path;
  const path = routedPath(exchange);
  return change ? change({ path, params: exchange.params }) : path;
}

function redirectedOf(exchange: Exchange): Redirected {
  const { head, params, client } = exchange;
  const { authority, query } = head;
  const scheme = client.origin.secure ? 'https' : 'http';
  return { path: routedPath(exchange), params, query, authority, scheme };
}

/** A request is worth trying again after that. */
const retryLater = 'Retry-After: 1\r\n';
const statusFailure: AttemptFailure = { kind: 'status', reused: false };

/** In milliseconds; `undefined`: it may take as long as it does. */
function totalOf({ route, backend, head }: Exchange): number | undefined {
  const configured = route!.totalMs ?? backend!.service.config.timeouts.total;
  if (head.version !== '2') return configured;
  const asked = parseGrpcTimeout(findField(head.fields, 'grpc-timeout'));
  if (asked === undefined) return configured;
  return Math.min(Math.max(1, asked), configured ?? Number.POSITIVE_INFINITY);
}
