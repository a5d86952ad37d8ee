import { once } from 'node:events';
import { connect, isIPv6, type Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { DnsError } from '../errors.ts';

const connectMs = 5_000;
/** Between two messages of an answer. */
const silenceMs = 15_000;
/** For all of a connection: a zone of 64 MiB needs 220 kB/s. */
const wholeMs = 300_000;
const lengthBytes = 2;

export interface PrimaryAddress {
  readonly address: string;
  readonly port: number;
  /** The address to ask from; `undefined`: as the system chooses. */
  readonly from: string | undefined;
}

/**
 * A connection to a name server (DNS over TCP): a question, and its answer of one message or many. Ends by itself after 5 minutes, and when the server says nothing for 15 s.
 */
export class PrimaryConnection {
  readonly #socket: Socket;
  readonly #place: string;
  readonly #clock: Clock;
  readonly #whole: Timer;
  #held: Buffer = Buffer.alloc(0);
  #silence: Timer | undefined;
  #onMessage: ((message: Buffer) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;
  #ended: Error | undefined;

  private constructor(socket: Socket, place: string, clock: Clock) {
    this.#socket = socket;
    this.#place = place;
    this.#clock = clock;
    this.#whole = clock.after(wholeMs, () => this.#end(`took more than ${wholeMs / 1_000} s`));
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#end(messageOf(error)));
    socket.on('close', () => this.#end('it closed the connection'));
  }

  /** @throws DnsError `transfer_failed` */
  static async open(
    { address, port, from }: PrimaryAddress,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<PrimaryConnection> {
    const place = isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
    const socket = connect({
      ...{ host: address, port, noDelay: true, signal },
      ...(from !== undefined && { localAddress: from }),
    });
    const limit = clock.after(connectMs, () =>
      socket.destroy(new Error(`no connection within ${connectMs / 1_000} s`)),
    );
    try {
      await once(socket, 'connect');
    } catch (cause) {
      socket.destroy();
      throw new DnsError('transfer_failed', `${place}: ${messageOf(cause)}`, { cause });
    } finally {
      limit.cancel();
    }
    return new PrimaryConnection(socket, place, clock);
  }

  /**
   * Sends a question, and calls `take` with each message of the answer until that gives a result.
   *
   * @throws DnsError `transfer_failed`, and what `take` throws with the server's address in front
   */
  async ask<Result>(query: Buffer, take: (message: Buffer) => Result | undefined): Promise<Result> {
    const answer = Promise.withResolvers<Result>();
    this.#fail = answer.reject;
    this.#onMessage = (message) => {
      const result = take(message);
      if (result === undefined) return;
      this.#onMessage = undefined;
      answer.resolve(result);
    };
    if (this.#ended) throw this.#ended;
    const framed = Buffer.alloc(lengthBytes + query.length);
    framed.writeUInt16BE(query.length, 0);
    query.copy(framed, lengthBytes);
    this.#socket.write(framed);
    this.#listen();
    try {
      return await answer.promise;
    } catch (cause) {
      throw new DnsError('transfer_failed', `${this.#place}: ${messageOf(cause)}`, { cause });
    } finally {
      this.#silence?.cancel();
      this.#onMessage = undefined;
      this.#fail = undefined;
    }
  }

  close(): void {
    this.#whole.cancel();
    this.#silence?.cancel();
    this.#socket.destroy();
  }

  #listen(): void {
    this.#silence?.cancel();
    this.#silence = this.#clock.after(silenceMs, () =>
      this.#end(`said nothing for ${silenceMs / 1_000} s`),
    );
  }

  /**
   * What is held is a part of one message, at most 65,537 octets and a chunk. After each chunk others
   * have their turn: the system would bring 2 MB of them in one.
   */
  #receive(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    try {
      while (this.#onMessage && at + lengthBytes <= bytes.length) {
        const end = at + lengthBytes + bytes.readUInt16BE(at);
        if (end > bytes.length) break;
        this.#listen();
        this.#onMessage(bytes.subarray(at + lengthBytes, end));
        at = end;
      }
    } catch (error) {
      this.#end(messageOf(error));
      return;
    }
    this.#held = Buffer.from(bytes.subarray(at));
    // Nobody has asked for that: not to be collected.
    if (!this.#fail && this.#held.length > 0) this.#end('it said something unasked');
    this.#socket.pause();
    setImmediate(() => this.#socket.resume());
  }

  #end(why: string): void {
    if (this.#ended) return;
    this.#ended = new Error(why);
    this.#fail?.(this.#ended);
    this.close();
  }
}
