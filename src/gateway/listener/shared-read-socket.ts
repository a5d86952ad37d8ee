import { type OnReadOpts, type Server, Socket, type SocketConstructorOpts } from 'node:net';

/** What a read brought, in memory that the next read of any socket overwrites. */
export type OnRead = (bytes: Buffer, length: number) => void;

/** How `node:net` is told of connections; its types do not say. */
interface Accepting {
  readonly _handle?: { onconnection?: OnConnection } | null;
}
type OnConnection = (this: unknown, error: number, accepted: Handle | undefined) => void;
type Handle = NonNullable<SocketConstructorOpts['handle']> & { setNoDelay(on: boolean): void };

/**
 * A connection that is read into a buffer that all of a thread share. By itself Node takes
 * 64 KiB from the heap for each read and gives most of it back: for small requests that is
 * the tenth part of all they cost outside of the kernel.
 *
 * Connections that are made have the option `onread` for that. For accepted ones the socket
 * has to be made here, from what the kernel accepted:
 *
 *   kernel ── handle ──▶ SharedReadSocket ── onRead ──▶ whoever takes it; before, and for who
 *                                         └ 'data' ─▶ wants that, copies, as of any socket
 *
 * `unshift` is not for it.
 */
export class SharedReadSocket extends Socket {
  /** Instead of `data`. */
  onRead: OnRead | undefined = undefined;

  static create(handle: Handle, buffer: Buffer): SharedReadSocket {
    const onread: OnReadOpts = {
      buffer,
      callback: (length) => {
        if (socket.onRead) socket.onRead(buffer, length);
        else socket.emit('data', Buffer.from(buffer.subarray(0, length)));
        return true;
      },
    };
    const socket = new SharedReadSocket({ handle, allowHalfOpen: true, onread });
    return socket;
  }
}

/**
 * From now on the `connection` events of a server that listens bring such sockets (without delay,
 * half open) while `wanted` says so. The server does not count these. Without effect where
 * Node accepts in another way.
 */
export function shareReads(server: Server, buffer: Buffer, wanted: () => boolean): void {
  const listening = (server as Accepting)._handle;
  const usual = listening?.onconnection;
  if (!listening || !usual) return;
  listening.onconnection = function (error, accepted) {
    if (error || !accepted || !wanted()) {
      usual.call(this, error, accepted);
      return;
    }
    accepted.setNoDelay(true);
    server.emit('connection', SharedReadSocket.create(accepted, buffer));
  };
}
