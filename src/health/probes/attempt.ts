import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../../base/clock.ts';
import { codeOf } from '../../base/errors.ts';
import type { Outcome } from '../prober.ts';
import type { ProbeTarget } from '../targets.ts';
import { faultOf, handshakeFault, isSecure } from './certificate.ts';

/** What may come after the verdict, until the peer has to end. */
const mostRestBytes = 65_536;

const errorTexts = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'connection reset'],
  ['EHOSTUNREACH', 'host unreachable'],
  ['ENETUNREACH', 'network unreachable'],
  ['ENOTFOUND', 'name not found'],
  ['EAI_AGAIN', 'name not found for now'],
]);

/** What a type of check says, and what it makes of what it hears. */
export interface Conversation {
  /** The connection stands, with its TLS. Says what there is to say. */
  begin(attempt: Attempt): void;
  /** Without it nothing is read before the verdict. */
  read?(bytes: Buffer, attempt: Attempt): void;
  /** The peer sends no more. What settles nothing here has failed. */
  ended?(attempt: Attempt): void;
  /** What a failure is, where it is none of the target: `undefined`. Default: a failure. */
  readonly failure?: undefined;
}

/**
 * One probe on a connection of its own, as a new client would come, under three limits:
 *
 *   ├── connect ──┤
 *                 ├── first byte, with the TLS handshake ──┤
 *   ├────────────────────── the whole probe ──────────────────────────┤
 *
 * One timer at a time stands for the next of them. After the verdict, what the peer still
 * sends is read and dropped within the same limits, so that it sees an orderly end: a server
 * that is cut off in the middle of its answer writes that to its log, every second.
 */
export class Attempt {
  readonly socket: Socket | TLSSocket;
  readonly target: ProbeTarget;
  readonly #clock: Clock;
  readonly #conversation: Conversation;
  readonly #endMs: number;
  #done: Outcome | undefined;
  #timer: Timer;
  #stands = false;
  #heard = false;
  #restBytes = 0;

  constructor(
    target: ProbeTarget,
    socket: Socket | TLSSocket,
    conversation: Conversation,
    clock: Clock,
    done: Outcome,
  ) {
    const { connectTimeout, timeout } = target.check;
    this.target = target;
    this.socket = socket;
    this.#clock = clock;
    this.#conversation = conversation;
    this.#done = done;
    this.#endMs = clock.monotonicMs() + timeout;
    this.#timer =
      connectTimeout < timeout
        ? this.#limit(connectTimeout, `no connection within ${connectTimeout} ms`)
        : this.#limit(timeout, `no answer within ${timeout} ms`);
    socket.on('connect', () => this.#connected());
    socket.on('error', (error) => this.#broken(error));
    socket.on('close', () => {
      this.#timer.cancel();
      this.fail('closed before an answer');
    });
    if (isSecure(socket)) socket.on('secureConnect', () => this.#secured(socket));
  }

  /** Ends the probe without a result. */
  end(): void {
    this.#done = undefined;
    this.socket.destroy();
  }

  /** The first byte of an answer is there: from now on the limit of the whole probe counts. */
  heard(): void {
    if (this.#heard) return;
    this.#heard = true;
    this.#limitWhole();
  }

  /** A result without hurry: the connection ends in order. */
  finish(ok: boolean | undefined, detail: string): void {
    const done = this.#done;
    this.#done = undefined;
    this.socket.end();
    done?.(ok, detail);
  }

  fail(detail: string): void {
    const done = this.#done;
    this.#done = undefined;
    this.socket.destroy();
    done?.('failure' in this.#conversation ? undefined : false, detail);
  }

  #connected(): void {
    const { firstByteTimeout: within } = this.target.check;
    if (within === undefined) this.#limitWhole();
    else {
      this.#timer.cancel();
      const leftMs = Math.min(within, this.#endMs - this.#clock.monotonicMs());
      this.#timer = this.#limit(leftMs, `no first byte within ${within} ms`);
    }
    if (!isSecure(this.socket)) this.#begin();
  }

  /** No more is said to a peer whose certificate is not what it has to be. */
  #secured(socket: TLSSocket): void {
    const fault = faultOf(socket, this.target);
    if (fault === undefined) this.#begin();
    else this.fail(fault);
  }

  #begin(): void {
    this.#stands = true;
    if (this.#conversation.read) {
      this.socket.on('data', (bytes: Buffer) => this.#read(bytes));
      this.socket.on('end', () => this.#ended());
    }
    this.#conversation.begin(this);
  }

  #read(bytes: Buffer): void {
    if (this.#done) {
      this.heard();
      this.#conversation.read?.(bytes, this);
      return;
    }
    this.#restBytes += bytes.length;
    if (this.#restBytes > mostRestBytes) this.socket.destroy();
  }

  #ended(): void {
    if (this.#done) this.#conversation.ended?.(this);
    this.fail('closed before an answer');
  }

  #broken(error: Error): void {
    const code = codeOf(error) ?? 'connection failed';
    const inHandshake = isSecure(this.socket) && !this.#stands;
    this.fail((inHandshake && handshakeFault(code)) || (errorTexts.get(code) ?? code));
  }

  #limitWhole(): void {
    this.#timer.cancel();
    const leftMs = Math.max(0, this.#endMs - this.#clock.monotonicMs());
    this.#timer = this.#limit(leftMs, `no answer within ${this.target.check.timeout} ms`);
  }

  #limit(afterMs: number, detail: string): Timer {
    return this.#clock.after(afterMs, () => this.fail(detail));
  }
}
