import type { Socket } from 'node:net';
import type { ServiceConfig } from '../../config/schema/service.ts';
import { Deadline, type DeadlineWheel } from '../deadline-wheel.ts';
import type { FailureKind } from '../exchange/retry.ts';
import { BodyDecoder } from '../http1/body-decoder.ts';
import { findField } from '../http1/fields.ts';
import type { BodyFraming } from '../http1/framing.ts';
import type { WireLimits } from '../http1/limits.ts';
import { MessageWriter } from '../http1/message-writer.ts';
import { parseResponseHead, type ResponseHead } from '../http1/response-parser.ts';
import {
  lastChunk,
  lastChunkWith,
  type OutgoingRequest,
  serialiseRequestHead,
} from '../http1/serialise.ts';
import { refuse, WireError } from '../http1/wire-error.ts';
import { type Dialler, isHandshakeRefusal } from './dialler.ts';
import type { ResponseReceiver } from './response-receiver.ts';
import type { PendingRequest, UpstreamStream } from './upstream-stream.ts';

/** What a connection tells its pool. */
export interface ConnectionKeeper {
  readonly wheel: DeadlineWheel;
  readonly wire: WireLimits;
  /** Shared by all: what is read is handed on or copied before the next read. */
  readonly readBuffer: Buffer;
  /** An error that no peer can cause: a defect of the gateway. */
  onDefect(error: unknown): void;
  onIdle(connection: UpstreamConnection): void;
  onClosed(connection: UpstreamConnection): void;
}

const noBytes: Buffer = Buffer.alloc(0);
const noTrailers: readonly string[] = [];

/**
 * One connection to an upstream; at most one request at a time, so requests and responses
 * are counted one to one. Whatever is out of step closes it.
 *
 *              ready               begin                  head          end of message
 *  connecting ──────▶ (begin at ────────▶ awaiting head ──────▶ body ───────────────┐
 *      │              once)                  ▲  │ detach   │ detach                 │
 *      │ limit, error                        │  ▼          ▼                        ▼
 *      ▼                                     │ closed    discarding ─────────────▶ idle ─┐
 *    closed ◀── bytes while idle, idle limit,└───────────────── begin ◀───────────────────┘
 *               request not sent whole, `Connection: close`
 */
export class UpstreamConnection implements UpstreamStream, PendingRequest {
  readonly socket: Socket;
  readonly #writer: MessageWriter;
  readonly #keeper: ConnectionKeeper;
  readonly #deadline: Deadline;
  readonly #onPart = (part: Buffer): void => this.#receiver?.onData(part, 0, part.length);
  #receiver: ResponseReceiver | undefined;
  #state: 'connecting' | 'idle' | 'busy' | 'switched' | 'closed' = 'connecting';
  #method: string;
  #timeouts: ServiceConfig['timeouts'];
  #head: ResponseHead | undefined;
  #decoder: BodyDecoder | undefined;
  /** An incomplete head. */
  #partial = noBytes;
  #requestSent = false;
  #begun = 0;
  #interims = 0;
  #interimBytes = 0;
  #paused = false;
  #timedOut = false;
  /** TCP stands, TLS not yet. */
  #reached = false;
  /** How long the peer keeps it open when idle, if it said so. */
  keepAliveMs = Number.POSITIVE_INFINITY;

  constructor(keeper: ConnectionKeeper, dialler: Dialler, first: ResponseReceiver) {
    this.#keeper = keeper;
    this.#receiver = first;
    this.#method = first.method;
    this.#timeouts = first.timeouts;
    this.#deadline = new Deadline(keeper.wheel, this);
    this.#deadline.set(first.connectMs);
    this.socket = dialler.dial({
      buffer: keeper.readBuffer,
      callback: (length, bytes) => {
        this.#read(bytes as Buffer, length);
        return true;
      },
    });
    this.#writer = new MessageWriter(this.socket);
    this.socket.once(dialler.readyEvent, () => this.#ready());
    this.socket.once('connect', () => {
      this.#reached = true;
    });
    this.socket.on('drain', () => this.#drained());
    this.socket.on('end', () => this.#ended());
    this.socket.on('error', (error) => this.#failed(error));
    this.socket.on('close', () => this.#failed());
  }

  get receiver(): ResponseReceiver | undefined {
    return this.#receiver;
  }

  /** It carried a request before the current one. */
  get reused(): boolean {
    return this.#begun > 1;
  }

  /** Waits for the head of a response whose request may have been sent. */
  get awaitingHead(): boolean {
    return this.#state === 'connecting' || (this.#state === 'busy' && this.#head === undefined);
  }

  /** Takes an idle connection for a request. */
  begin(receiver: ResponseReceiver): void {
    this.#state = 'busy';
    this.#receiver = receiver;
    this.#method = receiver.method;
    this.#timeouts = receiver.timeouts;
    this.#requestSent = false;
    this.#begun++;
    this.#interims = 0;
    this.#interimBytes = 0;
    receiver.onReady(this);
  }

  send(request: OutgoingRequest): void {
    this.#writer.begin(serialiseRequestHead(request), request.body.kind === 'chunked');
  }

  data(part: Buffer): void {
    this.#writer.data(part, 0, part.length, false);
  }

  /** From now on the response is waited for. */
  end(trailers: readonly string[]): void {
    this.#writer.end(trailers.length === 0 ? lastChunk : lastChunkWith(trailers));
    this.#requestSent = true;
    if (!this.#head) this.#deadline.set(this.#timeouts.firstByte);
  }

  flush(): boolean {
    const taken = this.#writer.flush();
    if (this.#state === 'switched') this.#sending(false);
    else if (!this.#requestSent) this.#sending(taken);
    return taken;
  }

  /**
   * A part of the request was written and more will follow. The limit of a stall runs only
   * while the peer takes no more (`taken` false): else it is the client that is waited for.
   */
  #sending(taken: boolean): void {
    if (this.#paused) return;
    if (taken && !this.#head) this.#deadline.clear();
    else this.#deadline.set(this.#timeouts.idle);
  }

  pause(): void {
    if (this.#paused || this.#state === 'closed') return;
    this.#paused = true;
    this.#deadline.clear();
    this.socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#state === 'closed') return;
    this.#paused = false;
    if (this.#head) this.#deadline.set(this.#timeouts.idle);
    else if (this.#requestSent) this.#deadline.set(this.#timeouts.firstByte);
    else if (this.socket.writableNeedDrain) this.#deadline.set(this.#timeouts.idle);
    this.socket.resume();
  }

  /**
   * The receiver loses interest. A response whose head has come, to a request sent whole, is
   * read to its end for a second, so that the connection can be used again; else it is closed.
   */
  detach(): void {
    this.#receiver = undefined;
    if (this.#state === 'busy' && this.#head && this.#requestSent) this.#deadline.set(1_000);
    else this.close();
  }

  endSwitched(): void {
    this.socket.end();
  }

  finish(): void {
    this.#receiver = undefined;
    this.#deadline.set(this.#timeouts.idle);
    this.socket.end();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#receiver = undefined;
    this.#deadline.close();
    this.socket.destroy();
    this.#keeper.onClosed(this);
  }

  onDeadline(): void {
    this.#timedOut = true;
    if (this.#state === 'idle') this.close();
    else this.#failed();
  }

  #drained(): void {
    if (this.#state === 'busy' && !this.#requestSent) this.#sending(true);
    this.#receiver?.onDrain();
  }

  #ready(): void {
    if (this.#state !== 'connecting') return;
    this.#deadline.clear();
    if (!this.#receiver) {
      this.close();
      return;
    }
    try {
      this.begin(this.#receiver);
    } catch (error) {
      this.#keeper.onDefect(error);
      this.#failWith('badResponse');
    }
  }

  #read(buffer: Buffer, length: number): void {
    if (this.#state === 'switched') {
      this.#pass(buffer.subarray(0, length));
      return;
    }
    if (this.#state !== 'busy') {
      this.close();
      return;
    }
    let bytes = buffer;
    let end = length;
    if (this.#partial.length > 0) {
      bytes = Buffer.concat([this.#partial, buffer.subarray(0, length)]);
      end = bytes.length;
      this.#partial = noBytes;
    }
    try {
      this.#take(bytes, end);
    } catch (error) {
      if (!(error instanceof WireError)) this.#keeper.onDefect(error);
      this.#failWith('badResponse');
    }
  }

  #take(bytes: Buffer, end: number): void {
    let at = 0;
    while (!this.#head) {
      const head = parseResponseHead(bytes, at, end, this.#keeper.wire, this.#method);
      if (!head) {
        this.#partial = Buffer.from(bytes.subarray(at, end));
        return;
      }
      at += head.headBytes;
      if (head.status === 101) {
        this.#switch(head, bytes.subarray(at, end));
        return;
      }
      if (head.status < 200) this.#interim(head);
      else this.#begins(head);
      if (this.#state !== 'busy') return;
    }
    const { body } = this.#head;
    if (body.kind === 'length' && at + body.length === end && !this.#decoder) {
      if (end > at) this.#receiver?.onData(bytes, at, end);
      at = end;
    } else if (body.kind !== 'none') {
      at += this.#decode(body, bytes, at, end);
      if (this.#state !== 'busy' || !this.#decoder?.done) return;
    }
    this.#complete(at === end);
  }

  /** A body that has not come with its head in one read. */
  #decode(body: BodyFraming, bytes: Buffer, at: number, end: number): number {
    this.#decoder ??= new BodyDecoder(body, this.#keeper.wire);
    if (this.#receiver) this.#deadline.set(this.#timeouts.idle);
    const taken = this.#decoder.decode(bytes, at, end, this.#onPart);
    if (this.#state === 'busy' && !this.#decoder.done) this.#receiver?.onPause();
    return taken;
  }

  #interim(head: ResponseHead): void {
    const { interimCount, interimBytes } = this.#keeper.wire;
    this.#interimBytes += head.headBytes;
    if (++this.#interims > interimCount || this.#interimBytes > interimBytes) {
      refuse('bad_upstream_response', 'too many interim responses');
    }
    this.#receiver?.onInterim(head);
  }

  #begins(head: ResponseHead): void {
    if (this.#begun === 1) this.keepAliveMs = announcedKeepAliveMs(head);
    this.#head = head;
    this.#receiver?.onHead(head, this);
  }

  /** `inStep`: nothing follows the message. */
  #complete(inStep: boolean): void {
    const receiver = this.#receiver;
    const trailers = this.#decoder?.trailers ?? noTrailers;
    const reusable = inStep && this.#requestSent && this.#head!.keepAlive;
    this.#head = undefined;
    this.#decoder = undefined;
    this.#receiver = undefined;
    if (reusable) {
      this.#state = 'idle';
      if (this.#paused) this.#unpause();
      this.#deadline.clear();
      this.#keeper.onIdle(this);
    } else this.close();
    receiver?.onEnd(trailers);
  }

  #unpause(): void {
    this.#paused = false;
    this.socket.resume();
  }

  /** Sets the limit for how long it may stand idle. For the pool. */
  limitIdle(idleMs: number): void {
    this.#deadline.set(idleMs);
  }

  #switch(head: ResponseHead, rest: Buffer): void {
    const receiver = this.#receiver;
    if (!receiver || head.upgrade !== receiver.upgrade) {
      this.#failWith('badResponse');
      return;
    }
    this.#state = 'switched';
    this.#head = head;
    this.#writer.begin('', false);
    receiver.onSwitch(head, this);
    this.#pass(rest);
  }

  #pass(bytes: Buffer): void {
    this.#deadline.set(this.#timeouts.idle);
    if (bytes.length > 0) this.#receiver?.onData(bytes, 0, bytes.length);
    this.#receiver?.onPause();
  }

  /** The peer closed its side. */
  #ended(): void {
    if (this.#state === 'switched') {
      this.#receiver?.onSwitchedEnd();
      return;
    }
    if (this.#state === 'busy' && this.#decoder) {
      try {
        this.#decoder.finish();
      } catch {
        this.#failed();
        return;
      }
      this.#complete(false);
      return;
    }
    this.#failed();
  }

  #failed(error?: Error): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'switched' && this.socket.readableEnded && !this.#timedOut) {
      const receiver = this.#receiver;
      this.close();
      receiver?.onSwitchedClosed();
      return;
    }
    if (this.#state === 'connecting') this.#failWith(this.#reached ? 'tls' : 'connect');
    else if (this.#begun === 1 && isHandshakeRefusal(error)) this.#failWith('tls');
    else if (this.#partial.length > 0) this.#failWith('badResponse');
    else this.#failWith(this.#timedOut ? 'timeout' : 'closed');
  }

  #failWith(kind: FailureKind): void {
    const receiver = this.#receiver;
    const failure = { kind, reused: this.reused };
    const headGiven = this.#head !== undefined;
    this.close();
    if (headGiven) receiver?.onTruncated();
    else receiver?.onFailure(failure);
  }
}

/** `Keep-Alive: timeout=5`, as Node and Apache announce it. */
function announcedKeepAliveMs(head: ResponseHead): number {
  const value = findField(head.fields, 'keep-alive');
  const seconds = value === undefined ? undefined : /\btimeout=(\d{1,6})\b/i.exec(value)?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000;
}
