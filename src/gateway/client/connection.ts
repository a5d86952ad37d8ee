import type { Socket } from 'node:net';
import type { Place } from '../admission/admission.ts';
import { Deadline } from '../deadline-wheel.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { ConnectionOrigin } from '../exchange/forwarding.ts';
import { BodyDecoder } from '../http1/body-decoder.ts';
import { parseRequestHead, type RequestHead } from '../http1/request-parser.ts';
import { WireError } from '../http1/wire-error.ts';
import type { Runtime } from '../runtime.ts';
import type { Client } from './client.ts';
import type { ClientStream } from './client-stream.ts';
import { isDismissed, isLeaving } from './leaving.ts';
import { RequestTimeout, refusalCode } from './refusal-code.ts';
import type { RequestTaker } from './request-taker.ts';
import { ResponseSide } from './response-side.ts';

/** What the one deadline of a connection stands for at the moment. */
type Waiting = 'idle' | 'head' | 'body' | 'drain' | 'progress' | 'linger' | 'nothing';

const noBytes: Buffer = Buffer.alloc(0);

/**
 * One client connection in HTTP/1.1. Requests are taken one at a time: while one is in flight and has
 * arrived whole, what follows stays unread, so pipelining costs no memory.
 *
 *           head complete                response ended, both keep alive
 *   open ───────────────▶ exchange ────────────────────────────────────▶ open
 *    │ idle, drained         │  response ended, error, early answer
 *    ▼                       ▼
 *   closed ◀── linger: FIN sent, input discarded for a while, so that no reset
 *              overtakes the answer (RFC 9112 section 9.6)
 */
export class ClientConnection extends ResponseSide implements ClientStream, Client {
  readonly #runtime: Runtime;
  readonly #taker: RequestTaker;
  readonly #place: Place;
  readonly #deadline: Deadline;
  readonly #onPart = (part: Buffer): void => this.#exchange?.requestData(part);
  #waiting: Waiting = 'nothing';
  #state: 'open' | 'switched' | 'linger' | 'closed' = 'open';
  #input = noBytes;
  /** It stands in memory that the next read overwrites. */
  #lent = false;
  /** Octets at the start of the input that were not yet a head when last looked at. */
  #headSeen = 0;
  #exchange: Exchange | undefined;
  #decoder: BodyDecoder | undefined;
  /** Octets of the body since its time limit last began anew. */
  #bodyBytes = 0;
  #advancing = false;
  /** The client closed its sending side. */
  #inputEnded = false;
  #lingeredBytes = 0;

  constructor(
    runtime: Runtime,
    taker: RequestTaker,
    socket: Socket,
    origin: ConnectionOrigin,
    place: Place,
  ) {
    super(socket, origin);
    this.#runtime = runtime;
    this.#taker = taker;
    this.#place = place;
    this.#deadline = new Deadline(runtime.wheel, this);
    runtime.reads.take(socket, (bytes, length) => this.#read(bytes, length));
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#onDrain());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onClose());
    this.#wait('idle', Math.min(runtime.limits.headMs, runtime.limits.idleMs));
  }

  /**
   * Closes the connection when no request is under way and none comes within `dismissMs`, or
   * at once (`last`). That of another region closes only with its next answer, or at the
   * end: it may be about to send what cannot be sent twice.
   */
  drain(last: boolean): void {
    if (this.#state !== 'open' || this.#exchange || this.#input.length > 0) return;
    if (last) this.#linger();
    else if (this.origin.peerRegion === undefined) this.#awaitRequest();
  }

  protected override get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  /** The connection is kept only when the client wants it and the request has come whole. */
  protected override mayKeepAlive({ head, requestComplete }: Exchange): boolean {
    if (!head.keepAlive || !requestComplete || isLeaving(this.#runtime, this.origin)) return false;
    return !this.#inputEnded || this.#input.length > 0;
  }

  // ── Called by the exchange ───────────────────────────────────────────────────────────

  resumeBody(): void {
    if (this.#state === 'closed' || !this.socket.isPaused()) return;
    if (this.#decoder) this.#waitForBody();
    else if (this.#state !== 'switched') return;
    this.socket.resume();
    this.#advance();
  }

  stalled(): void {
    this.#wait('drain', this.#runtime.limits.writeStallMs);
  }

  progressed(): void {
    if (this.#waiting === 'progress') this.#wait('progress', this.#runtime.limits.halfCloseMs);
  }

  switchProtocol(): void {
    this.#state = 'switched';
    this.#stopWaiting();
    this.socket.resume();
    this.#advance();
  }

  done(clean: boolean): void {
    this.#exchange = undefined;
    this.#decoder = undefined;
    if (this.#state === 'closed') return;
    if (!clean || !this.keepAlive) {
      this.#linger();
      return;
    }
    this.#advance();
  }

  // ── Input ────────────────────────────────────────────────────────────────────────────

  /** Most reads bring one head, which is understood at once: only what is left is copied. */
  #read(bytes: Buffer, length: number): void {
    const read = bytes.subarray(0, length);
    this.#lent = this.#state === 'open' && !this.#exchange && this.#input.length === 0;
    this.receive(this.#lent ? read : Buffer.from(read));
    this.#own();
  }

  /** Copies what of the input stands in memory that is not its own. */
  #own(): void {
    if (this.#lent && this.#input.length > 0) this.#input = Buffer.from(this.#input);
    this.#lent = false;
  }

  /** What the socket brings, or brought before. */
  receive(chunk: Buffer): void {
    this.#runtime.generation.metrics.bytesIn(chunk.length);
    if (this.#state === 'linger') {
      this.#lingeredBytes += chunk.length;
      if (this.#lingeredBytes > this.#runtime.limits.lingerBytes) this.#lingeredTooMuch();
      return;
    }
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    this.#advance();
  }

  /** Takes as many steps as the input allows. A step may end an exchange, which calls this again. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      while (this.#step());
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#advancing = false;
    }
  }

  /** False: nothing more to do before something happens. */
  #step(): boolean {
    if (this.#state === 'switched') return this.#stepSwitched();
    if (this.#state !== 'open') return false;
    if (!this.#exchange) return this.#stepHead();
    if (this.#decoder) return this.#stepBody(this.#exchange, this.#decoder);
    if (this.#input.length > 0) this.socket.pause();
    else if (this.socket.isPaused()) this.socket.resume();
    return false;
  }

  #stepHead(): boolean {
    const input = this.#input;
    if (input.length === 0) {
      if (this.#inputEnded) this.#linger();
      else this.#awaitRequest();
      return false;
    }
    if (this.socket.writableNeedDrain) {
      this.socket.pause();
      this.stalled();
      return false;
    }
    const { wire } = this.#runtime.limits;
    const head = parseRequestHead(input, 0, input.length, wire, this.#headSeen);
    this.#headSeen = head ? 0 : input.length;
    if (!head) {
      if (this.#inputEnded) this.#linger();
      else if (this.#waiting !== 'head') this.#wait('head', this.#runtime.limits.headMs);
      if (this.socket.isPaused()) this.socket.resume();
      return false;
    }
    this.#input = head.headBytes === input.length ? noBytes : input.subarray(head.headBytes);
    this.#own();
    this.#startExchange(head);
    return true;
  }

  #awaitRequest(): void {
    const { dismissMs, idleMs } = this.#runtime.limits;
    const dismissed = isDismissed(this.#runtime, this.origin);
    this.#wait('idle', dismissed && this.origin.peerRegion === undefined ? dismissMs : idleMs);
    this.#place.wait(this.#runtime.wheel.now);
    if (this.socket.isPaused()) this.socket.resume();
  }

  #startExchange(head: RequestHead): void {
    const exchange = this.#taker.open(this, head);
    this.#exchange = exchange;
    this.#place.work();
    this.#stopWaiting();
    if (head.body.kind !== 'none') {
      this.#decoder = new BodyDecoder(head.body, this.#runtime.limits.wire);
      this.#decode(exchange, this.#decoder);
    }
    if (this.#inputEnded) {
      if (this.#decoder) {
        this.#taker.problem(exchange, 'incomplete_body');
        return;
      }
      this.#watchProgress();
    }
    this.#taker.begin(exchange);
    this.#afterBody(exchange);
  }

  #stepBody(exchange: Exchange, decoder: BodyDecoder): boolean {
    if (this.#input.length === 0 || this.socket.isPaused()) return false;
    this.#decode(exchange, decoder);
    this.#afterBody(exchange);
    return true;
  }

  #decode(exchange: Exchange, decoder: BodyDecoder): void {
    const input = this.#input;
    const taken = decoder.decode(input, 0, input.length, this.#onPart);
    this.#input = taken === input.length ? noBytes : input.subarray(taken);
    this.#bodyBytes += taken;
    if (!decoder.done) return;
    this.#decoder = undefined;
    if (this.#waiting === 'body') this.#stopWaiting();
    exchange.requestEnd(decoder.trailers);
  }

  /** Sends on what was decoded; waits when it cannot be taken. */
  #afterBody(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    const taken = exchange.requestFlush();
    if (!this.#decoder) return;
    if (taken) {
      if (this.#waiting !== 'body' || this.#bodyIsBrisk(exchange)) this.#waitForBody();
      if (this.socket.isPaused()) this.socket.resume();
    } else {
      if (this.#waiting === 'body') this.#stopWaiting();
      this.socket.pause();
    }
  }

  /** False while a body that nobody has answered yet comes too slowly to get more time. */
  #bodyIsBrisk({ status }: Exchange): boolean {
    return status !== 0 || this.#bodyBytes >= this.#runtime.limits.bodyLeastBytes;
  }

  /** But for a client that takes none of its response, whatever it sends meanwhile. */
  #waitForBody(): void {
    if (this.#waiting === 'drain') return;
    this.#bodyBytes = 0;
    this.#wait('body', this.#runtime.limits.bodyIdleMs);
  }

  #stepSwitched(): boolean {
    const exchange = this.#exchange;
    if (!exchange || this.#input.length === 0) return false;
    exchange.requestData(this.#input);
    this.#input = noBytes;
    if (!exchange.requestFlush()) this.socket.pause();
    return false;
  }

  // ── Events ───────────────────────────────────────────────────────────────────────────

  #onEnd(): void {
    this.#inputEnded = true;
    const exchange = this.#exchange;
    if (this.#state === 'switched') exchange?.switchedEnd();
    else if (this.#state === 'linger') this.socket.destroy();
    else if (!exchange) this.#linger();
    else if (this.#decoder) this.#taker.problem(exchange, 'incomplete_body');
    else if (this.origin.peerRegion !== undefined) this.socket.destroy();
    else this.#watchProgress();
  }

  /**
   * A client that closes its sending side may only be done asking, or be gone: TCP does not
   * tell. It gets its response as long as that makes progress. (Another region's gateway
   * closes when it has given up on a request.)
   */
  #watchProgress(): void {
    this.#wait('progress', this.#runtime.limits.halfCloseMs);
  }

  #onDrain(): void {
    if (this.#waiting === 'drain') {
      this.#stopWaiting();
      if (this.#inputEnded && this.#exchange) this.#watchProgress();
      else if (this.#decoder && !this.socket.isPaused()) this.#waitForBody();
    }
    if (this.#exchange) this.#exchange.clientDrained();
    else this.#advance();
  }

  #onClose(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#deadline.close();
    this.#input = noBytes;
    this.#exchange?.cancel();
    this.#exchange = undefined;
    this.#taker.closed(this);
  }

  onDeadline(): void {
    const waiting = this.#waiting;
    this.#waiting = 'nothing';
    this.#runtime.generation.metrics.connectionEnded(waiting);
    if (waiting === 'head') this.#refuse(new RequestTimeout());
    else if (waiting === 'idle') this.#linger();
    else if (waiting === 'body' && this.#exchange && !this.#exchange.responded) {
      this.#taker.problem(this.#exchange, 'request_timeout');
    } else this.socket.destroy();
  }

  // ── End ──────────────────────────────────────────────────────────────────────────────

  /** What came is not HTTP, or not in time: one answer, then the end. */
  #refuse(error: unknown): void {
    const code = refusalCode(error);
    if (code === 'internal_error') this.#taker.defect(error);
    const detail = error instanceof WireError ? error.message : '';
    const exchange = this.#exchange;
    if (!exchange) {
      this.writer.interim(this.#taker.refusal(this, code, detail));
      this.writer.flush();
      this.#linger();
    } else if (exchange.responded) this.abort();
    else this.#taker.problem(exchange, code, detail);
  }

  #linger(): void {
    if (this.#state === 'linger' || this.#state === 'closed') return;
    this.#state = 'linger';
    this.#place.wait(this.#runtime.wheel.now);
    this.#input = noBytes;
    const { lingerMs, writeStallMs } = this.#runtime.limits;
    this.#wait('drain', writeStallMs);
    this.socket.end(() => {
      if (this.#inputEnded) this.socket.destroy();
      else if (this.#state === 'linger') this.#wait('linger', lingerMs);
    });
    this.socket.resume();
  }

  #lingeredTooMuch(): void {
    this.#waiting = 'linger';
    this.onDeadline();
  }

  #wait(waiting: Waiting, delayMs: number): void {
    this.#waiting = waiting;
    this.#deadline.set(delayMs);
  }

  #stopWaiting(): void {
    this.#waiting = 'nothing';
    this.#deadline.clear();
  }
}
