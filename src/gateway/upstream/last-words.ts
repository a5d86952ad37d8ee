import type { Socket } from 'node:net';

/**
 * Lets a socket be read a last time when a write to it fails. A service that refuses an upload
 * may answer and close without having read it: then our next write fails, while its answer has
 * come but was not read yet. Node would destroy the socket at once, and the answer with it.
 *
 *   write fails ──▶ one turn of the event loop: what has come is read ──▶ destroyed
 *
 * Nothing more comes than is there: the write failed because the peer has reset the connection.
 */
export function hearingLastWords(socket: Socket): Socket {
  const destroy = socket.destroy.bind(socket);
  let heard = false;
  socket.destroy = (error?: Error & { syscall?: string }) => {
    if (heard || error?.syscall !== 'write') return destroy(error);
    heard = true;
    // The first is of this turn, which may have looked at the socket already.
    setImmediate(() => setImmediate(() => destroy(error)));
    return socket;
  };
  return socket;
}
