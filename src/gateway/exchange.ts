import type { ServiceConfig } from '../config/schema/service.ts';
import { type OwnAnswer, serialiseAnswer } from './answers.ts';
import type { Target, Tried } from './choose.ts';
import type { ClientConnection } from './client/connection.ts';
import { framingFor } from './client/framing-for.ts';
import { PacedBody } from './client/paced-body.ts';
import type { RequestIdentity } from './forwarding.ts';
import type { Generation } from './generation.ts';
import type { RequestHead } from './http1/request-parser.ts';
import type { ResponseHead } from './http1/response-parser.ts';
import { lastChunk, lastChunkWith, serialiseResponseHead } from './http1/serialise.ts';
import type { Phases } from './phases.ts';
import type { ProblemCode } from './problems.ts';
import {
  type AttemptFailure,
  type FailureKind,
  isIdempotent,
  type Replayability,
} from './retry.ts';
import type { Runtime } from './runtime.ts';
import type { RoutePlan } from './snapshot.ts';
import type { UpstreamConnection } from './upstream/connection.ts';
import type { Pool } from './upstream/pool.ts';
import type { ResponseReceiver } from './upstream/response-receiver.ts';
import type { RouteView } from './upstream/route-view.ts';

/** Status in logs and metrics of a request whose client went away (nginx's convention). */
export const clientGone = 499;

/**
 * One request and its response: moves the bytes between client and upstream, and holds what
 * the phases decide. Each direction waits for the slower side:
 *
 *   client ──data──▶ [held until an upstream is ready] ──write──▶ upstream
 *          ◀─pause── full ◀───────────────────────────── needs drain
 *
 *   client ◀─write── (head held until the first body bytes) ◀──data── upstream
 *          needs drain ──────────────────────────────────────pause──▶
 *
 * After `101 Switching Protocols` the same two paths carry raw bytes.
 */
export class Exchange implements ResponseReceiver, Replayability, Tried {
  readonly runtime: Runtime;
  /** The one in which it began. */
  readonly generation: Generation;
  readonly client: ClientConnection;
  readonly head: RequestHead;
  readonly identity: RequestIdentity;
  readonly startedMs: number;
  readonly idempotent: boolean;
  readonly #phases: Phases;

  /** Canonical path; '' until normalised. */
  path = '';
  plan: RoutePlan | undefined = undefined;
  /** While the request may still be sent somewhere: it holds the whole topology. */
  view: RouteView | undefined = undefined;
  target: Target | undefined = undefined;
  relayed = false;
  readonly endpoints: number[] = [];
  readonly regions: number[] = [];
  refreshed = false;
  attempts = 0;
  /** How the attempt before the current one ended. */
  lastFailure: FailureKind | undefined = undefined;

  /** All of the request has arrived. */
  requestComplete = false;
  bodyBegun = false;
  answered = false;
  switched = false;
  status = 0;
  /** Of the problem that the gateway answered with. */
  problemCode: ProblemCode | undefined = undefined;
  /** Of the current attempt: being made, then `#ready`. */
  #connection: UpstreamConnection | undefined;
  #ready = false;
  #held: Buffer[] | undefined;
  #contentBytes = 0;
  #trailers: readonly string[] = [];
  #keepAlive = false;
  /** The client knows the end of the response by the close only. */
  #byClose = false;
  /** What the client has not taken yet of an answer of our own. */
  #paced: PacedBody | undefined;
  /** After a switch: which directions have ended. */
  #requestEnded = false;
  #responseEnded = false;
  #over = false;

  constructor(
    runtime: Runtime,
    phases: Phases,
    client: ClientConnection,
    head: RequestHead,
    identity: RequestIdentity,
  ) {
    this.runtime = runtime;
    this.generation = runtime.generation;
    this.#phases = phases;
    this.client = client;
    this.head = head;
    this.identity = identity;
    this.startedMs = runtime.clock.monotonicMs();
    this.idempotent = isIdempotent(head.method);
    this.requestComplete = head.body.kind === 'none';
  }

  get method(): string {
    return this.head.method;
  }

  get timeouts(): ServiceConfig['timeouts'] {
    return this.plan!.service.config.timeouts;
  }

  get upgrade(): string | undefined {
    return this.head.upgrade;
  }

  /** Of the request, head and content. */
  get receivedBytes(): number {
    return this.head.headBytes + this.#contentBytes;
  }

  /** Of the response, head and framing included. */
  get sentBytes(): number {
    return this.status === 0 || this.status === clientGone ? 0 : this.client.writer.messageBytes;
  }

  // ── Request, from the client ─────────────────────────────────────────────────────────

  requestData(part: Buffer): void {
    if (this.#over) return;
    this.#contentBytes += part.length;
    const connection = this.#ready ? this.#connection : undefined;
    if (connection) {
      this.bodyBegun = true;
      connection.writer.data(part, 0, part.length, false);
    } else if (this.#held) this.#held.push(part);
    else this.#held = [part];
  }

  requestEnd(trailers: readonly string[]): void {
    this.requestComplete = true;
    this.#trailers = trailers;
    if (this.#ready && this.#connection) this.#endRequest(this.#connection);
  }

  /** After all that one read of the client brought. False: the client must wait. */
  requestFlush(): boolean {
    if (this.#over) return true;
    const connection = this.#ready ? this.#connection : undefined;
    if (!connection) return this.requestComplete || !this.#held;
    const taken = connection.writer.flush();
    if (this.switched) connection.sending(false);
    else if (!this.requestComplete) connection.sending(taken);
    return taken;
  }

  /** After a switch: the client sends no more. */
  switchedEnd(): void {
    this.#requestEnded = true;
    this.#connection?.socket.end();
  }

  #endRequest(connection: UpstreamConnection): void {
    connection.writer.end(this.#trailers.length === 0 ? lastChunk : lastChunkWith(this.#trailers));
    connection.sent();
  }

  // ── Attempts ─────────────────────────────────────────────────────────────────────────

  /** Starts an attempt. False: the pool has no connection to give. */
  attempt(pool: Pool, fresh: boolean): boolean {
    this.#ready = false;
    const connection = pool.acquire(this, fresh);
    this.#connection = connection;
    return connection !== undefined;
  }

  onReady(connection: UpstreamConnection): void {
    const { writer } = connection;
    this.#connection = connection;
    this.#ready = true;
    writer.begin(this.#phases.requestHead(this), this.head.body.kind === 'chunked');
    if (this.#held) {
      this.bodyBegun = true;
      for (const part of this.#held) writer.data(part, 0, part.length, false);
      this.#held = undefined;
    }
    if (this.requestComplete) this.#endRequest(connection);
    const taken = writer.flush();
    if (!this.requestComplete) connection.sending(taken);
    if (taken) this.client.resumeBody();
  }

  onDrain(): void {
    this.client.resumeBody();
  }

  onFailure(failure: AttemptFailure): void {
    this.#connection = undefined;
    this.#phases.failed(this, failure);
  }

  /** The health table has changed while nothing of a response has come. */
  onHealthChanged(): void {
    this.#phases.reconsider(this);
  }

  /** Ends the attempt for a reason of ours; the caller decides what comes next. */
  abandon(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  // ── Response ─────────────────────────────────────────────────────────────────────────

  onInterim(head: ResponseHead): void {
    if (this.head.minor === 0) return;
    this.answered = true;
    this.client.writer.interim(
      serialiseResponseHead({ head, body: head.body, keepAlive: true, extra: '', fromPeer: false }),
    );
    if (!this.client.writer.flush()) this.#pauseUpstream();
  }

  onHead(head: ResponseHead, connection: UpstreamConnection): void {
    this.#phases.respond(this, head, connection);
  }

  /** Starts the client's response with a head from upstream. */
  forward(head: ResponseHead, extra: string, fromPeer: boolean): void {
    const body = framingFor(this.head.minor, head.body);
    this.view = undefined;
    this.#byClose = body.kind === 'close';
    this.#begin(head.status, !this.#byClose);
    const text = serialiseResponseHead({
      head,
      body,
      keepAlive: this.#keepAlive,
      extra,
      fromPeer,
      clientMinor: this.head.minor,
    });
    this.client.writer.begin(text, body.kind === 'chunked');
  }

  /** Answers without an upstream and ends. */
  answer(answer: OwnAnswer): void {
    this.abandon();
    this.#begin(answer.status, true);
    const { runtime } = this;
    const text = serialiseAnswer(answer, {
      requestId: this.identity.requestId,
      region: this.generation.regionName,
      wallMs: runtime.clock.wallMs(),
      keepAlive: this.#keepAlive,
      clientMinor: this.head.minor,
      headOnly: this.method === 'HEAD',
    });
    this.client.writer.begin(text, false);
    if (typeof answer.body === 'string' || this.method === 'HEAD') {
      this.#end();
      return;
    }
    this.#paced = new PacedBody(answer.body);
    this.#pour(this.#paced);
  }

  #pour(paced: PacedBody): void {
    if (!paced.pour(this.client.writer)) {
      this.client.stalled();
      return;
    }
    this.#paced = undefined;
    this.#end();
  }

  /** The connection is kept only when the client wants it and the request has come whole. */
  #begin(status: number, reusable: boolean): void {
    this.answered = true;
    this.status = status;
    this.#keepAlive = reusable && this.requestComplete && this.client.mayKeepAlive(this.head);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.client.writer.data(bytes, start, end, true);
  }

  onPause(): void {
    if (this.client.writer.flush()) this.client.progressed();
    else this.#pauseUpstream();
  }

  #pauseUpstream(): void {
    this.#connection?.pause();
    this.client.stalled();
  }

  clientDrained(): void {
    if (this.#paced) this.#pour(this.#paced);
    else this.#connection?.resume();
  }

  onEnd(trailers: readonly string[]): void {
    this.#connection = undefined;
    this.client.writer.end(trailers.length === 0 ? lastChunk : lastChunkWith(trailers));
    this.#end();
  }

  /** Nothing of it has left yet when head and broken part came in one read: then it never does. */
  onTruncated(): void {
    this.#connection = undefined;
    if (!this.switched && this.client.writer.withdraw()) {
      this.answered = false;
      this.#phases.problem(this, 'upstream_bad_response');
      return;
    }
    this.#over = true;
    this.#phases.ended(this);
    this.client.abort(this.#byClose);
  }

  onSwitch(head: ResponseHead, connection: UpstreamConnection): void {
    this.switched = true;
    this.#phases.respond(this, head, connection);
    connection.writer.begin('', false);
    this.client.switchProtocol();
  }

  onSwitchedEnd(): void {
    this.#responseEnded = true;
    this.client.socket.end();
  }

  onSwitchedClosed(): void {
    this.#connection = undefined;
    this.#end();
  }

  // ── End ──────────────────────────────────────────────────────────────────────────────

  /** The client is gone: what is under way upstream is cancelled. */
  cancel(): void {
    if (this.#over) return;
    if (this.#requestEnded && this.#responseEnded) this.#connection?.finish();
    else this.abandon();
    if (this.status === 0) this.status = clientGone;
    this.#over = true;
    this.#phases.ended(this);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.client.writer.flush();
    this.#phases.ended(this);
    this.client.exchangeDone(this.#keepAlive && !this.switched);
  }
}
