import type { Duplex } from 'node:stream';
import { headerBytes, maxMessageBytes } from '../wire/codes.ts';

const lengthBytes = 2;

/**
 * Writes the response to `message` into `output`; returns its length, 0 for none. Of a response
 * of many messages, what writes each and gives its length; `message` stays as it is until then.
 */
export type Respond = (message: Buffer, output: Buffer) => number | Iterator<number>;

/**
 * One client over TCP (RFC 7766): messages with a length of 2 bytes before each, many in
 * flight, answered in order.
 *
 *   bytes ─▶ whole messages in the chunk ─▶ respond ─▶ socket
 *              │ rest of a message          │ client does not read
 *              ▼                            ▼
 *            held (grows with what came)   paused until drained
 *
 * What a client can make us keep: what came in one read after a message that is not whole,
 * and unread responses up to the socket's high-water mark and one more.
 */
export class TcpConnection {
  /** Monotonic time of the last whole query or of responses drained: idle is counted from it. */
  progressAtMs: number;
  readonly #socket: Duplex;
  readonly #respond: Respond;
  readonly #output: Buffer;
  readonly #nowMs: () => number;
  /** What came and is not answered yet: `held[0, heldBytes)`. */
  #held: Buffer = emptyBuffer;
  #heldBytes = 0;
  /** A response of many messages that is under way: what follows waits for its end. */
  #transfer: Iterator<number> | undefined;
  #finishing = false;

  /** `output` (65,535 bytes) is shared by all connections of a thread. */
  constructor(socket: Duplex, respond: Respond, output: Buffer, nowMs: () => number) {
    this.#socket = socket;
    this.#respond = respond;
    this.#output = output;
    this.#nowMs = nowMs;
    this.progressAtMs = nowMs();
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#resume());
    // A reset is the client's way to leave; 'close' follows.
    socket.on('error', () => {});
  }

  /**
   * Ends the connection when every query that has begun to come in is answered. A client
   * that has more asks it on a new connection (RFC 7766 6.2.4).
   */
  finish(): void {
    this.#finishing = true;
    this.#endIfDone();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #endIfDone(): void {
    if (this.#finishing && this.#heldBytes === 0 && !this.#transfer) this.#socket.end();
  }

  #receive(chunk: Buffer): void {
    // Read all the same: closing with bytes unread would reset what the client has yet to read.
    if (this.#socket.writableEnded) return;
    if (this.#heldBytes === 0) {
      this.#process(chunk);
    } else {
      this.#hold(chunk);
      this.#process(this.#held.subarray(0, this.#heldBytes));
    }
  }

  #process(bytes: Buffer): void {
    this.#socket.cork();
    const consumed = this.#answerAll(bytes);
    this.#socket.uncork();
    if (consumed < 0) this.#socket.destroy();
    else this.#keep(bytes, consumed);
    this.#endIfDone();
  }

  /** Keeps what is left of `bytes` (a chunk, or what is held) after `consumed`. */
  #keep(bytes: Buffer, consumed: number): void {
    const left = bytes.length - consumed;
    if (left === 0) {
      this.#held = emptyBuffer;
      this.#heldBytes = 0;
    } else if (this.#heldBytes === 0) {
      this.#hold(bytes.subarray(consumed));
    } else {
      this.#held.copyWithin(0, consumed, this.#heldBytes);
      this.#heldBytes = left;
    }
  }

  /** Appends; room doubles, so that a message which drips in is not copied with every drop. */
  #hold(chunk: Buffer): void {
    const bytes = this.#heldBytes + chunk.length;
    if (bytes > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#held.length));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldBytes);
    this.#heldBytes = bytes;
  }

  /** Returns the bytes consumed, -1 when the client is not to be talked to any more. */
  #answerAll(bytes: Buffer): number {
    let at = 0;
    while (at + lengthBytes <= bytes.length) {
      if (this.#transfer || this.#socket.writableNeedDrain) {
        this.#socket.pause();
        break;
      }
      const length = bytes.readUInt16BE(at);
      if (length < headerBytes) return -1;
      const end = at + lengthBytes + length;
      if (end > bytes.length) break;
      if (!this.#answer(bytes.subarray(at + lengthBytes, end))) return -1;
      at = end;
    }
    return at;
  }

  /** False for what gets no answer: over TCP there is no forged sender to be careful of. */
  #answer(message: Buffer): boolean {
    const response = this.#respond(message, this.#output);
    if (response === 0) return false;
    if (typeof response === 'number') this.#write(response);
    else {
      this.#transfer = response;
      return this.#goOn(response);
    }
    return true;
  }

  /**
   * As much of it as the client takes. Its end is looked for when there is room for more. False
   * where it cannot be gone on with: the client sees its connection end before the last message.
   */
  #goOn(transfer: Iterator<number>): boolean {
    try {
      while (!this.#socket.writableNeedDrain) {
        const { value, done } = transfer.next();
        if (done) {
          this.#transfer = undefined;
          return true;
        }
        this.#write(value);
      }
      return true;
    } catch {
      // A fault of ours must not take the thread down, and with it everybody else.
      this.#transfer = undefined;
      return false;
    }
  }

  #write(length: number): void {
    this.progressAtMs = this.#nowMs();
    const framed = Buffer.allocUnsafe(lengthBytes + length);
    framed.writeUInt16BE(length, 0);
    this.#output.copy(framed, lengthBytes, 0, length);
    this.#socket.write(framed);
  }

  #resume(): void {
    this.progressAtMs = this.#nowMs();
    if (this.#transfer) {
      if (!this.#goOn(this.#transfer)) {
        this.#socket.destroy();
        return;
      }
      if (this.#transfer) return;
      this.#endIfDone();
    }
    if (!this.#socket.isPaused()) return;
    this.#socket.resume();
    this.#receive(emptyBuffer);
  }
}

const emptyBuffer = Buffer.alloc(0);

/** Size of the buffer that responses are made in. */
export const tcpOutputBytes = maxMessageBytes;
