import type { ClientStream } from '../client/client-stream.ts';
import { PacedBody } from '../client/paced-body.ts';
import { Deadline, type DeadlineOwner } from '../deadline-wheel.ts';
import type { RequestHead } from '../http1/request-parser.ts';
import type { ResponseHead } from '../http1/response-parser.ts';
import type { Waiter } from '../resilience/concurrency-limit.ts';
import type { Runtime } from '../runtime.ts';
import type { ResponseReceiver } from '../upstream/response-receiver.ts';
import type { UpstreamPool, UpstreamStream } from '../upstream/upstream-stream.ts';
import type { OwnAnswer } from './answers.ts';
import type { RequestIdentity } from './forwarding.ts';
import type { Phases } from './phases.ts';
import { RequestState } from './request-state.ts';
import type { AttemptFailure } from './retry.ts';

/** Status in logs and metrics of a request whose client went away (nginx's convention). */
export const clientGone = 499;

interface HeldResponse {
  readonly parts: Buffer[];
  /** Set at its end. */
  trailers: readonly string[] | undefined;
}

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
export class Exchange extends RequestState implements ResponseReceiver, Waiter, DeadlineOwner {
  readonly #phases: Phases;
  /** Of the current attempt: being made, then `#ready`. */
  #stream: UpstreamStream | undefined;
  #ready = false;
  #acquiring = false;
  #held: Buffer[] | undefined;
  #contentBytes = 0;
  #trailers: readonly string[] = [];
  /** A response that policies are still looking at. */
  #heldResponse: HeldResponse | undefined;
  /** What the client has not taken yet of an answer of our own. */
  #paced: PacedBody | undefined;
  #total: Deadline | undefined;
  /** Since when the endpoint of the current attempt has all of the request, where there is a total limit. */
  #sentMs = Number.POSITIVE_INFINITY;
  /** After a switch: which directions have ended. */
  #requestEnded = false;
  #responseEnded = false;
  #over = false;

  constructor(
    runtime: Runtime,
    phases: Phases,
    client: ClientStream,
    head: RequestHead,
    identity: RequestIdentity,
  ) {
    super(runtime, client, head, identity);
    this.#phases = phases;
  }

  /** Of the request, head and content. */
  get receivedBytes(): number {
    return this.head.headBytes + this.#contentBytes;
  }

  /** Of the response, head and framing included. */
  get sentBytes(): number {
    return this.status === 0 || this.status === clientGone ? 0 : this.client.responseBytes;
  }

  get over(): boolean {
    return this.#over;
  }

  // ── Request, from the client ─────────────────────────────────────────────────────────

  requestData(part: Buffer): void {
    if (this.#over) return;
    this.#contentBytes += part.length;
    const stream = this.#ready ? this.#stream : undefined;
    if (stream) this.#pass(part, stream);
    else if (this.#held) this.#held.push(part);
    else this.#held = [part];
  }

  #pass(part: Buffer, stream: UpstreamStream): void {
    if (!this.replay?.keep(part)) this.bodyBegun = true;
    stream.data(part);
  }

  requestEnd(trailers: readonly string[]): void {
    this.requestComplete = true;
    this.#trailers = trailers;
    if (this.#ready) this.#sent(this.#stream);
  }

  #sent(stream: UpstreamStream | undefined): void {
    if (this.#total) this.#sentMs = this.runtime.clock.monotonicMs();
    stream?.end(this.routed?.headers.trailersOf(this.#trailers) ?? this.#trailers);
  }

  /** After all that one read of the client brought. False: the client must wait. */
  requestFlush(): boolean {
    if (this.#over) return true;
    if (this.collector) {
      this.collector.offer(this.#contentBytes, this.requestComplete, this.#held ?? []);
      return true;
    }
    if (this.#contentBytes > this.bodyLimit) {
      this.#refuseBody();
      return true;
    }
    const stream = this.#ready ? this.#stream : undefined;
    return stream ? stream.flush() : this.requestComplete || !this.#held;
  }

  #refuseBody(): void {
    if (!this.responded) this.#phases.problem(this, 'body_too_large');
    else this.breakOff();
  }

  /** After a switch: the client sends no more. */
  switchedEnd(): void {
    this.#requestEnded = true;
    this.#stream?.endSwitched();
  }

  // ── Attempts ─────────────────────────────────────────────────────────────────────────

  /** Starts an attempt. False: the pool has no connection to give. */
  attempt(pool: UpstreamPool, fresh: boolean): boolean {
    this.#ready = false;
    this.#sentMs = Number.POSITIVE_INFINITY;
    this.pool = pool;
    this.#acquiring = true;
    this.#stream = pool.acquire(this, fresh) ?? this.#inPlaceOfStalled(pool, fresh);
    this.#acquiring = false;
    return this.#stream !== undefined;
  }

  /** All connections are in use; there may be one whose response nobody takes. */
  #inPlaceOfStalled(pool: UpstreamPool, fresh: boolean): UpstreamStream | undefined {
    const { stalled, wheel } = this.runtime;
    return stalled.relieve(pool, wheel.now * wheel.tickMs) ? pool.acquire(this, fresh) : undefined;
  }

  /** Something of the current attempt went out. */
  get sent(): boolean {
    return this.#ready;
  }

  onReady(stream: UpstreamStream): void {
    this.#stream = stream;
    // A connection that was made first may come too late for what is exclusive.
    if (!this.#acquiring && this.#phases.withholds(this)) return;
    this.#ready = true;
    stream.send(this.#phases.outgoing(this));
    const kept = this.replay?.content;
    if (kept?.length) stream.data(kept);
    if (this.#held) {
      for (const part of this.#held) this.#pass(part, stream);
      this.#held = undefined;
    }
    if (this.requestComplete) this.#sent(stream);
    if (stream.flush()) this.client.resumeBody();
  }

  onDrain(): void {
    this.client.resumeBody();
  }

  onFailure(failure: AttemptFailure): void {
    this.#stream = undefined;
    this.#phases.failed(this, failure);
  }

  // ── Limits ───────────────────────────────────────────────────────────────────────────

  /** From now on it has so long to end. */
  limitTotal(totalMs: number): void {
    this.#total = new Deadline(this.runtime.wheel, this);
    this.#total.set(totalMs);
  }

  /** How long the current attempt has waited with all of the request; asked where there is a total limit. */
  get awaitedMs(): number {
    return Math.max(0, this.runtime.clock.monotonicMs() - this.#sentMs);
  }

  lapsed(): void {
    if (!this.#over) this.#phases.lapsed(this);
  }

  onDeadline(): void {
    if (!this.#over) this.#phases.expired(this);
  }

  onPlace(): void {
    this.hasPlace = true;
    this.#phases.placed(this);
  }

  onNoPlace(): void {
    this.#phases.notPlaced(this);
  }

  /** For a request that finds no connection while nobody takes this response. */
  giveWay(): void {
    this.runtime.generation.metrics.connectionEnded('drain');
    this.breakOff();
  }

  /** Ends a response that has begun, so that it cannot pass for a whole one. */
  breakOff(): void {
    this.abandon();
    this.onTruncated();
  }

  /** The health table has changed while nothing of a response has come. */
  onHealthChanged(): void {
    this.#phases.reconsider(this);
  }

  /** Ends the attempt for a reason of ours; the caller decides what comes next. */
  abandon(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }

  // ── Response ─────────────────────────────────────────────────────────────────────────

  onInterim(head: ResponseHead): void {
    if (this.head.minor === 0) return;
    this.answered = true;
    this.client.interim(head);
    if (!this.client.flush()) this.#pauseUpstream();
  }

  onHead(head: ResponseHead, stream: UpstreamStream): void {
    this.#phases.respond(this, head, stream);
  }

  /** Starts the client's response with a head from upstream. */
  forward(head: ResponseHead, extra: string, fromPeer: boolean): void {
    this.view = undefined;
    this.replay = undefined;
    this.answered = true;
    this.status = head.status;
    this.client.begin(head, extra, fromPeer);
    if (this.#heldResponse) this.#release(this.#heldResponse);
  }

  /** Keeps what comes of the response until `forward`. */
  holdResponse(stream: UpstreamStream): void {
    this.view = undefined;
    this.#heldResponse = { parts: [], trailers: undefined };
    stream.pause();
  }

  #release({ parts, trailers }: HeldResponse): void {
    this.#heldResponse = undefined;
    for (const part of parts) this.client.data(part, 0, part.length, false);
    if (trailers) this.onEnd(trailers);
    else if (this.client.flush()) this.#stream?.resume();
    else this.stall();
  }

  /** Answers without an upstream and ends. */
  answer(answer: OwnAnswer): void {
    this.abandon();
    this.#heldResponse = undefined;
    this.replay = undefined;
    this.answered = true;
    this.status = answer.status;
    this.client.answer(answer, {
      requestId: this.identity.requestId,
      region: this.generation.regionName,
      wallMs: this.runtime.clock.wallMs(),
      headOnly: this.method === 'HEAD',
    });
    if (typeof answer.body === 'string' || this.method === 'HEAD') {
      this.#end(true);
      return;
    }
    this.#paced = new PacedBody(answer.body);
    this.#pour(this.#paced);
  }

  #pour(paced: PacedBody): void {
    if (!paced.pour(this.client)) {
      this.client.stalled();
      return;
    }
    this.#paced = undefined;
    this.#end(true);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#heldResponse) {
      this.#heldResponse.parts.push(Buffer.from(bytes.subarray(start, end)));
      return;
    }
    this.client.data(bytes, start, end, true);
  }

  onPause(): void {
    if (this.#heldResponse) return;
    if (this.client.flush()) this.client.progressed();
    else this.#pauseUpstream();
  }

  #pauseUpstream(): void {
    this.#stream?.pause();
    this.stall();
  }

  clientDrained(): void {
    this.endStall();
    if (this.#paced) this.#pour(this.#paced);
    else if (!this.#heldResponse) this.#stream?.resume();
  }

  onEnd(trailers: readonly string[]): void {
    this.#stream = undefined;
    if (this.#heldResponse) {
      this.#heldResponse.trailers = trailers;
      return;
    }
    this.client.end(this.editedResponse?.trailersOf(trailers) ?? trailers);
    this.#end(true);
  }

  /** Nothing of it has left yet when head and broken part came in one read: then it never does. */
  onTruncated(): void {
    this.#stream = undefined;
    const held = this.#heldResponse !== undefined;
    this.#heldResponse = undefined;
    if (!this.switched && (held || this.client.withdraw())) {
      this.answered = false;
      this.#phases.problem(this, 'upstream_bad_response');
      return;
    }
    this.#over = true;
    this.#close();
    this.#phases.ended(this);
    this.client.truncate();
  }

  onSwitch(head: ResponseHead, stream: UpstreamStream): void {
    this.switched = true;
    this.#phases.respond(this, head, stream);
    this.client.switchProtocol();
  }

  onSwitchedEnd(): void {
    this.#responseEnded = true;
    this.client.endSwitched();
  }

  onSwitchedClosed(): void {
    this.#stream = undefined;
    this.#end(false);
  }

  // ── End ──────────────────────────────────────────────────────────────────────────────

  /** The client is gone: what is under way upstream is cancelled. */
  cancel(): void {
    if (this.#over) return;
    if (this.#requestEnded && this.#responseEnded) this.#stream?.finish();
    else this.abandon();
    if (this.status === 0) this.status = clientGone;
    this.#over = true;
    this.#close();
    this.#phases.ended(this);
  }

  #end(clean: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#close();
    this.client.flush();
    this.#phases.ended(this);
    this.client.done(clean);
  }

  #close(): void {
    this.endStall();
    this.pending?.cancel();
    this.#total?.close();
  }
}
