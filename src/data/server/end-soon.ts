import type { Duplex } from 'node:stream';

const limitMs = 1_000;

/** Ends a connection with a last word, and does not wait long for the other side to end it too. */
export function endSoon(socket: Duplex, last = ''): void {
  socket.end(last);
  const force = setTimeout(() => socket.destroy(), limitMs);
  force.unref();
  socket.once('close', () => clearTimeout(force));
}
