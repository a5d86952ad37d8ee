import type { ServiceConfig } from '../../config/schema/service.ts';
import type { Admission } from '../../health/endpoint-table.ts';
import type { ClientStream } from '../client/client-stream.ts';
import type { Generation } from '../generation.ts';
import { findField } from '../http1/fields.ts';
import type { RequestHead } from '../http1/request-parser.ts';
import type { EditedFields } from '../policies/field-editor.ts';
import type { RoutedRequest } from '../policies/routed-request.ts';
import type { StalledResponse } from '../resilience/stalled-responses.ts';
import type { Runtime } from '../runtime.ts';
import type { Backend, RoutePlan } from '../snapshot.ts';
import type { RouteView } from '../upstream/route-view.ts';
import type { ServiceGate } from '../upstream/service-gate.ts';
import type { UpstreamPool } from '../upstream/upstream-stream.ts';
import type { Target, Tried } from './choose.ts';
import type { ContentCollector } from './content-collector.ts';
import type { RequestIdentity } from './forwarding.ts';
import type { ProblemCode } from './problems.ts';
import type { ReplayBuffer } from './replay-buffer.ts';
import { type FailureKind, isIdempotent, type Replayability } from './retry.ts';

const noParams: Readonly<Record<string, string>> = Object.freeze({});

/** What has to be told to the record of an endpoint when an attempt there ends. */
export interface EndpointAttempt {
  readonly endpoint: number;
  readonly admission: Exclude<Admission, 'refused'>;
  readonly startedMs: number;
  /** Its outcome is known. */
  settled: boolean;
}

/** What is known of a request and what the phases have decided about it. `Exchange` moves its bytes. */
export abstract class RequestState implements Replayability, StalledResponse, Tried {
  readonly runtime: Runtime;
  /** The one in which it began. */
  readonly generation: Generation;
  readonly client: ClientStream;
  readonly head: RequestHead;
  readonly identity: RequestIdentity;
  readonly startedMs: number;
  readonly idempotent: boolean;

  /** Canonical path; '' until normalised. */
  path = '';
  /** In the configuration; -1: it matched none. */
  routeIndex = -1;
  route: RoutePlan | undefined = undefined;
  /** The name of that of its first region, where policies have changed its fields since. */
  foundRoute: string | undefined = undefined;
  /** The service that it is for, as its route uses it. */
  backend: Backend | undefined = undefined;
  /** While the request may still be sent somewhere: it holds the whole topology. */
  view: RouteView | undefined = undefined;
  /** Of a domain's mapping, not part of what the service sees; '' else. */
  basePath = '';
  /** Of the route's pattern. */
  params: Readonly<Record<string, string>> = noParams;
  /** As policies see it, where the route has some. */
  routed: RoutedRequest | undefined = undefined;
  /** The fields of the response as policies left them, where the route has some for it. */
  editedResponse: EditedFields | undefined = undefined;
  /** Policies that are waited for: cancelled when the exchange ends. */
  pending: { cancel(): void } | undefined = undefined;
  target: Target | undefined = undefined;
  relayed = false;
  readonly endpoints: number[] = [];
  readonly regions: number[] = [];
  refreshed = false;
  /** Of its service, once it is let in. */
  gate: ServiceGate | undefined = undefined;
  /** The attempt under way at an own endpoint; `undefined`: there is none. */
  attemptAt: EndpointAttempt | undefined = undefined;
  /** It was granted a retry from the budget of its service. */
  retrying = false;
  /** Of the concurrency of its service. */
  hasPlace = false;
  attempts = 0;
  /** Takes its content; `undefined`: that goes to where the request goes. */
  collector: ContentCollector | undefined = undefined;
  /** It leaves no line in the log of requests. */
  unlogged = false;
  /** Of the attempt that began last. */
  pool: UpstreamPool | undefined = undefined;
  #stalled = false;
  /** How the attempt before the current one ended. */
  lastFailure: FailureKind | undefined = undefined;

  /** All of the request has arrived. */
  requestComplete = false;
  bodyBegun = false;
  /** At an edge, until a response begins: the content that went out. */
  replay: ReplayBuffer | undefined = undefined;
  answered = false;
  switched = false;
  status = 0;
  /** Of the problem that the gateway answered with. */
  problemCode: ProblemCode | undefined = undefined;

  constructor(
    runtime: Runtime,
    client: ClientStream,
    head: RequestHead,
    identity: RequestIdentity,
  ) {
    this.runtime = runtime;
    this.generation = runtime.generation;
    this.client = client;
    this.head = head;
    this.identity = identity;
    this.startedMs = runtime.clock.monotonicMs();
    this.idempotent = isIdempotent(head.method);
    this.requestComplete = head.body.kind === 'none';
  }

  abstract giveWay(): void;

  /** The client takes no more of the response for now. */
  protected stall(): void {
    const { stalled, wheel } = this.runtime;
    this.#stalled = true;
    stalled.add(this, wheel.now * wheel.tickMs);
    this.client.stalled();
  }

  protected endStall(): void {
    if (!this.#stalled) return;
    this.#stalled = false;
    this.runtime.stalled.remove(this);
  }

  /** A final response has begun, not only interim ones: no other can begin in its place. */
  get responded(): boolean {
    return this.status !== 0;
  }

  get method(): string {
    return this.head.method;
  }

  get routeName(): string | undefined {
    return this.generation.routeNames[this.routeIndex];
  }

  get timeouts(): ServiceConfig['timeouts'] {
    return this.backend!.service.config.timeouts;
  }

  /** TCP and TLS to another region take two round trips, which are nobody's fault. */
  get connectMs(): number {
    const { target, generation } = this;
    const { connect } = this.timeouts;
    if (target?.kind !== 'relay') return connect;
    return connect + 2 * (generation.health.roundTripMs(target.region) ?? 0);
  }

  get bodyLimit(): number {
    return this.route === undefined || this.switched
      ? Number.POSITIVE_INFINITY
      : this.route.bodyLimit;
  }

  get clientAddress(): string {
    return this.identity.clientAddress;
  }

  get fields(): readonly string[] {
    return this.head.fields;
  }

  get query(): string {
    return this.head.query;
  }

  /** Whether the client's own connection is over TLS; of a relayed request its first gateway says. */
  get secure(): boolean {
    const { origin } = this.client;
    if (origin.peerRegion === undefined) return origin.secure;
    return findField(this.head.fields, 'x-forwarded-proto') === 'https';
  }

  /** Where the client's request came in: of a relayed one, in its first region. */
  get listener(): string {
    const { origin } = this.client;
    if (origin.peerRegion === undefined) return origin.listener;
    return findField(this.head.fields, 'meridian-listener') ?? origin.listener;
  }

  get upgrade(): string | undefined {
    return this.head.upgrade;
  }
}
