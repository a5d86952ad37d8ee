import { formatAccessEntry } from '../../observability/access-entry.ts';
import type { Redirected } from '../actions/redirect.ts';
import type { Client } from '../client/client.ts';
import type { ClientStream } from '../client/client-stream.ts';
import type { RequestTaker } from '../client/request-taker.ts';
import { findField } from '../http1/fields.ts';
import type { RequestHead } from '../http1/request-parser.ts';
import type { ResponseHead } from '../http1/response-parser.ts';
import type { OutgoingRequest } from '../http1/serialise.ts';
import { WireError } from '../http1/wire-error.ts';
import { listenerRedirect } from '../listener/redirect.ts';
import { isKept } from '../log-share.ts';
import { PolicyPhases } from '../policies/policy-phases.ts';
import { parseGrpcTimeout } from '../resilience/grpc-timeout.ts';
import { shedShare } from '../resilience/shedding.ts';
import { normalisePath } from '../router/path.ts';
import type { Runtime } from '../runtime.ts';
import type { RoutePlan } from '../snapshot.ts';
import type { RouteView } from '../upstream/route-view.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';
import { grpcProblemAnswer, problemAnswer, serialiseAnswer, speaksGrpc } from './answers.ts';
import { Attempts } from './attempts.ts';
import { accessEntryOf, refusalEntry } from './entry-of.ts';
import { Exchange } from './exchange.ts';
import { hopsOf, identify } from './forwarding.ts';
import { matchRoute } from './match-route.ts';
import { outgoingOf, routedPath } from './outgoing.ts';
import { healthPath, ownAnswer, reservedPrefix } from './own-resources.ts';
import { isOfGateway, problemField, problemOf } from './peer-problem.ts';
import type { Phases } from './phases.ts';
import { runPoliciesHere } from './policy-place.ts';
import { isProblemCode, type ProblemCode, problems } from './problems.ts';
import type { AttemptFailure } from './retry.ts';

/**
 * The phases of a request, in order:
 *
 *   1 normalise      one canonical path, for everything that follows; a host of its connection
 *   2 answer itself  the gateway's own resources, redirects of a listener
 *   3 route          host, path, method → route
 *   4 authorise hop  a relayed request is never relayed again
 *   5 apply          request policies of the route, once; one may answer, or let wait
 *   6 choose         own endpoint, other region, last resort, or 503    ◀─┐
 *   7 forward        a connection, the head, the body as it comes         │ may be
 *   8 respond        response policies, then the response as it comes ── no response ─────────────┘ sent again
 *   9 log            metrics and access log, once, whatever happened
 */
export class Lifecycle implements RequestTaker, Phases {
  readonly #runtime: Runtime;
  readonly #policies: PolicyPhases;
  readonly #attempts: Attempts;
  readonly #onClosed: (client: Client) => void;
  readonly #onDefect: (error: unknown) => void;

  constructor(
    runtime: Runtime,
    onClosed: (client: Client) => void,
    onDefect: (error: unknown) => void,
  ) {
    this.#runtime = runtime;
    this.#onClosed = onClosed;
    this.#onDefect = onDefect;
    this.#policies = new PolicyPhases(runtime, this);
    this.#attempts = new Attempts(runtime, this);
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
    if (policies && runPoliciesHere(exchange, route)) this.#policies.apply(exchange, policies);
    else this.serve(exchange);
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
    if (exchange.generation.beacon?.serve(exchange, this)) return true;
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
    const { generation } = exchange;
    const match = matchRoute(exchange);
    if (match.kind === 'route') {
      exchange.params = match.params;
      exchange.basePath = match.basePath;
      exchange.routeIndex = match.index;
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

  /** What the route does with a request that its policies let through. */
  serve(exchange: Exchange): void {
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
    this.#attempts.begin(exchange, view);
  }

  placed(exchange: Exchange): void {
    this.#attempts.begin(exchange, exchange.view!);
  }

  notPlaced(exchange: Exchange): void {
    this.problem(exchange, 'service_saturated', undefined, retryLater);
  }

  expired(exchange: Exchange): void {
    this.#attempts.end(exchange, hadItsTime(exchange) ? 'failure' : 'neutral');
    if (exchange.responded) {
      exchange.generation.metrics.connectionEnded('total');
      exchange.breakOff();
    } else this.problem(exchange, 'request_deadline_exceeded');
  }

  outgoing(exchange: Exchange): OutgoingRequest {
    return outgoingOf(exchange);
  }

  withholds(exchange: Exchange): boolean {
    return exchange.backend!.exclusive !== undefined && this.#attempts.withholds(exchange);
  }

  lapsed(exchange: Exchange): void {
    this.#attempts.lapsed(exchange);
  }

  failed(exchange: Exchange, failure: AttemptFailure): void {
    this.#attempts.failed(exchange, failure);
  }

  reconsider(exchange: Exchange): void {
    this.#attempts.reconsider(exchange);
  }

  // 8 ─ respond
  respond(exchange: Exchange, head: ResponseHead, stream: UpstreamStream): void {
    const { target, generation } = exchange;
    const fromPeer = target!.kind === 'relay';
    if (this.#attempts.answered(exchange, head, stream)) return;
    let extra = `X-Request-Id: ${exchange.identity.requestId}\r\n`;
    const { sticky } = exchange.gate!.balancing;
    if (sticky && target!.kind === 'endpoint') {
      extra += sticky.cookieLine(exchange, target!.endpoint) ?? '';
    }
    if (!fromPeer) extra += `Meridian-Region: ${generation.regionName}\r\n`;
    const policies = exchange.routed && exchange.route!.policies!.response;
    const own = fromPeer && isOfGateway(head);
    if (own && isGrpc(exchange)) {
      stream.detach();
      this.problem(exchange, problemOf(head));
      return;
    }
    if (!policies?.length || own || head.status === 101) {
      exchange.forward(head, extra, fromPeer);
    } else this.#policies.applyToResponse(exchange, head, extra, fromPeer, stream);
  }

  problem(exchange: Exchange, code: ProblemCode, detail?: string, fields = ''): void {
    exchange.problemCode = code;
    const fromLink = exchange.client.origin.peerRegion !== undefined;
    const marked = fromLink ? `${fields}${problemField}: ${code}\r\n` : fields;
    const { requestId } = exchange.identity;
    exchange.answer(
      isGrpc(exchange)
        ? grpcProblemAnswer(code, marked)
        : problemAnswer(code, requestId, marked, detail),
    );
  }

  // 9 ─ log
  ended(exchange: Exchange): void {
    this.#attempts.end(exchange, 'neutral');
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
      route: exchange.routeIndex,
      service: exchange.backend?.service.index ?? -1,
      status: exchange.status,
      durationMs,
      bytesIn: exchange.receivedBytes,
      bytesOut: exchange.sentBytes,
    });
    metrics.asked(exchange.head.version);
    if (exchange.problemCode !== undefined) metrics.refused(exchange.problemCode);
    if (!accessLog || exchange.unlogged) return;
    const failed = exchange.problemCode !== undefined || exchange.status >= 500;
    if (isKept(exchange.generation.logShare, exchange.identity.requestId, failed)) {
      accessLog.write(formatAccessEntry(accessEntryOf(exchange, durationMs)));
    }
  }

  refusal(client: Client, code: ProblemCode, detail: string): string {
    const { clock, random, accessLog } = this.#runtime;
    const { metrics, regionName } = this.#runtime.generation;
    const { status } = problems[code];
    const requestId = random.next(16);
    metrics.request({ route: -1, service: -1, status, durationMs: 0, bytesIn: 0, bytesOut: 0 });
    metrics.refused(code);
    accessLog?.write(
      formatAccessEntry(refusalEntry(client.origin, code, requestId, clock.wallMs())),
    );
    const answer = problemAnswer(code, requestId, '', detail === '' ? undefined : detail);
    const context = { requestId, region: regionName, wallMs: clock.wallMs(), headOnly: false };
    return serialiseAnswer(answer, context, false, 1);
  }

  defect(error: unknown): void {
    this.#onDefect(error);
  }

  closed(client: Client): void {
    this.#onClosed(client);
  }
}

function redirectedOf(exchange: Exchange): Redirected {
  const { head, params, basePath, client, path: whole } = exchange;
  const { authority, query } = head;
  const scheme = client.origin.secure ? 'https' : 'http';
  return { path: routedPath(exchange), basePath, whole, params, query, authority, scheme };
}

/** The client looks at nothing but the status of gRPC. */
function isGrpc({ head }: Exchange): boolean {
  return head.version === '2' && speaksGrpc(head.fields);
}

/** A request is worth trying again after that. */
const retryLater = 'Retry-After: 1\r\n';

/**
 * Whether the endpoint had all of the request for at least half of the time that the
 * configuration gives. Else it was a client that sent slowly or gave little time, a queue or
 * another endpoint that took it, and nobody can have an endpoint ejected that way.
 */
function hadItsTime(exchange: Exchange): boolean {
  const configured = configuredTotalOf(exchange);
  return configured !== undefined && exchange.awaitedMs >= configured / 2;
}

function configuredTotalOf({ route, backend }: Exchange): number | undefined {
  return route!.totalMs ?? backend!.service.config.timeouts.total;
}

/** In milliseconds; `undefined`: it may take as long as it does. */
function totalOf(exchange: Exchange): number | undefined {
  const { head } = exchange;
  const configured = configuredTotalOf(exchange);
  if (head.version !== '2') return configured;
  const asked = parseGrpcTimeout(findField(head.fields, 'grpc-timeout'));
  if (asked === undefined) return configured;
  return Math.min(Math.max(1, asked), configured ?? Number.POSITIVE_INFINITY);
}
