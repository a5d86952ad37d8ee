import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** What a read brought, in memory that the next read of any socket overwrites. */
export type OnRead = (bytes: Buffer, length: number) => void;

/** Where `node:net` has it; its types do not tell. */
interface HandleGiver {
  _handle?: SocketConstructorOpts['handle'] | null;
}

/**
 * An accepted connection that is read into a buffer that all of a thread share. By itself Node
 * takes 64 KiB from the heap for each read and gives most of it back: for small requests that
 * is the tenth part of all they cost outside of the kernel.
 *
 * Connections that are made have the option `onread` for that. Accepted ones have not, so the
 * handle of the accepted socket moves to one that is made with the option:
 *
 *   accepted ── handle ──▶ SharedReadSocket ── onRead ──▶ whoever takes it; before, and for who
 *      └▶ destroyed, empty                    └ 'data' ─▶ wants that, copies, as of any socket
 *
 * `unshift` is not for it.
 */
export class SharedReadSocket extends Socket {
  /** Instead of `data`. */
  onRead: OnRead | undefined = undefined;

  /** Takes the place of a socket that was accepted just now; that itself where it has no handle to give. */
  static adopt(accepted: Socket, buffer: Buffer): Socket {
    const giver = accepted as HandleGiver;
    const handle = giver._handle;
    if (!handle) return accepted;
    giver._handle = null;
    accepted.destroy();
    const onread: OnReadOpts = {
      buffer,
      callback: (length) => {
        if (socket.onRead) socket.onRead(buffer, length);
        else socket.emit('data', Buffer.from(buffer.subarray(0, length)));
        return true;
      },
    };
    const options = { handle, allowHalfOpen: true, onread };
    const socket = new SharedReadSocket(options);
    return socket;
  }
}
