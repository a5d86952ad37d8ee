import { Socket } from 'node:net';

/** What a read brought, in memory that the next read of any socket overwrites. */
export type OnRead = (bytes: Buffer, length: number) => void;

/** What stands behind the option `onread` of `net.connect`; its types do not say. */
interface Reading {
  readonly _handle?: { useUserBuffer?(buffer: Buffer): void } | null;
  [field: symbol]: unknown;
}

const readBytes = 65_536;

/**
 * One buffer into which all client connections of a thread are read, TLS or not. By itself Node
 * takes memory from the heap for each read, makes a stream's chunk of it and gives it back: for
 * small requests that is the tenth part of all they cost outside of the kernel.
 *
 *   kernel ─▶ (TLS) ─▶ the buffer ─▶ onRead ─▶ parsed at once; only what is left is copied
 *
 * Node has the option `onread` for connections that it makes, and none for those that it accepts
 * (https://github.com/nodejs/node/pull/25436). So an accepted socket gets the fields that the
 * option would have set. Where Node has no such fields, reads come as of any socket.
 */
export class SharedReads {
  readonly #buffer = Buffer.allocUnsafeSlow(readBytes);
  readonly #fields = onreadFields();

  /** From now on there is no `data`. What the socket has buffered is still to be taken with `read`. */
  take(socket: Socket, onRead: OnRead): void {
    const buffer = this.#buffer;
    const reading = socket as unknown as Reading;
    const handle = reading._handle;
    if (!this.#fields || !handle?.useUserBuffer) {
      socket.on('data', (chunk: Buffer) => onRead(chunk, chunk.length));
      return;
    }
    handle.useUserBuffer(buffer);
    reading[this.#fields.buffer] = buffer;
    reading[this.#fields.callback] = (length: number): boolean => {
      onRead(buffer, length);
      return true;
    };
  }
}

/** The fields of a socket that `onread` sets. */
function onreadFields(): { readonly buffer: symbol; readonly callback: symbol } | undefined {
  const probe = new Socket();
  const symbols = Object.getOwnPropertySymbols(probe);
  probe.destroy();
  const [buffer, callback] = ['kBuffer', 'kBufferCb'].map((name) =>
    symbols.find(({ description }) => description === name),
  );
  return buffer && callback && { buffer, callback };
}
