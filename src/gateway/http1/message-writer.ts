import type { Socket } from 'node:net';
import { chunkHeader } from './serialise.ts';

/** Parts up to this size are gathered into the text that is written next. */
const gatheredBytes = 4096;
/** Beyond this the gathered text is written. Node sends up to 16 KiB of text from its stack. */
const heldChars = 12 * 1024;

/**
 * Writes HTTP/1.1 messages to a socket with as few writes as there are flushes: head and
 * small body parts are gathered as one Latin-1 string (byte n ↔ code point n), which costs
 * Node less than a vector of buffers; large parts are written as they are.
 *
 *   begin(head) data data … end() flush()  ─▶  one write when the message is small
 *
 * Nothing is held across events: whoever calls `begin`, `data` or `end` calls `flush`
 * before it returns to the event loop.
 */
export class MessageWriter {
  readonly #socket: Socket;
  #held = '';
  #chunked = false;
  /** Bytes of the current message were written. */
  #begun = true;
  /** What the current message has put on the wire or is about to, framing included. */
  messageBytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Starts a message with its serialised head. */
  begin(head: string, chunked: boolean): void {
    this.#held += head;
    this.#chunked = chunked;
    this.#begun = false;
    this.messageBytes = head.length;
  }

  /** Adds a head of its own, such as an interim response. */
  interim(head: string): void {
    this.#held += head;
  }

  /**
   * Adds the body bytes[start,end). `borrowed`: the memory is reused after this call, so a
   * large part is copied.
   */
  data(bytes: Buffer, start: number, end: number, borrowed: boolean): void {
    const length = end - start;
    if (length === 0) return;
    this.messageBytes += length;
    if (this.#chunked) this.#startChunk(length);
    if (length <= gatheredBytes) {
      this.#held += bytes.toString('latin1', start, end);
      if (this.#chunked) this.#held += '\r\n';
      if (this.#held.length > heldChars) this.flush();
      return;
    }
    this.#begun = true;
    if (borrowed) this.#writeCopy(bytes, start, end);
    else this.#writeOwned(bytes.subarray(start, end));
    if (this.#chunked) this.#held = '\r\n';
  }

  /** Ends the message; `last` ends a chunked body. */
  end(last: string): void {
    if (!this.#chunked) return;
    this.#held += last;
    this.messageBytes += last.length;
    this.#chunked = false;
  }

  /** Takes back the message begun last, if none of it was written. */
  withdraw(): boolean {
    if (this.#begun) return false;
    this.#held = '';
    this.#chunked = false;
    return true;
  }

  /** Writes what is held. False when the caller must wait for `drain`. */
  flush(): boolean {
    if (this.#held !== '') {
      const held = this.#held;
      this.#held = '';
      this.#begun = true;
      this.#socket.write(held, 'latin1');
    }
    return !this.#socket.writableNeedDrain;
  }

  #startChunk(length: number): void {
    const header = chunkHeader(length);
    this.#held += header;
    this.messageBytes += header.length + 2;
  }

  /** One allocation and one write for head and part. */
  #writeCopy(bytes: Buffer, start: number, end: number): void {
    const headBytes = this.#held.length;
    const out = Buffer.allocUnsafe(headBytes + end - start);
    if (headBytes > 0) out.write(this.#held, 0, 'latin1');
    bytes.copy(out, headBytes, start, end);
    this.#held = '';
    this.#socket.write(out);
  }

  #writeOwned(part: Buffer): void {
    if (this.#held === '') {
      this.#socket.write(part);
      return;
    }
    this.#socket.cork();
    this.#socket.write(this.#held, 'latin1');
    this.#socket.write(part);
    this.#socket.uncork();
    this.#held = '';
  }
}
