import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { isLoopback } from './guard.ts';

const mostConnections = 256;

/**
 * Keeps a server free for those who may ask. Who comes from elsewhere is gone before it
 * counts; and when all places are taken, the connection that has waited longest without a
 * whole request makes room, so that halves of requests block nobody:
 *
 *   accepted ──▶ waiting ──whole request──▶ busy ──answered──▶ waiting (as the youngest)
 *                   └── all places taken, oldest of all: closed
 */
export class Connections {
  /** In the order in which they began to wait. */
  readonly #waiting = new Set<Socket>();
  #open = 0;

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => this.#accept(socket));
  }

  /** A whole request has come in. */
  busy(socket: Socket): void {
    this.#waiting.delete(socket);
  }

  /** It was answered. */
  answered(socket: Socket): void {
    if (!socket.destroyed) this.#waiting.add(socket);
  }

  #accept(socket: Socket): void {
    if (!isLoopback(socket.remoteAddress)) {
      socket.destroy();
      return;
    }
    if (this.#open >= mostConnections && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    this.#open++;
    this.#waiting.add(socket);
    socket.once('close', () => {
      this.#waiting.delete(socket);
      this.#open--;
    });
  }

  /** False when every connection is being answered. Its `close` comes a moment later. */
  #makeRoom(): boolean {
    for (const oldest of this.#waiting) {
      this.#waiting.delete(oldest);
      oldest.destroy();
      return true;
    }
    return false;
  }
}
