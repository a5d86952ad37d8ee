import { once } from 'node:events';
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';

/** From who connected, or to it. */
export type Way = 'forth' | 'back';

/** Held back per direction before the sender is made to wait, as the window of TCP would. */
const heldBytesMost = 16 * 1024 * 1024;

/**
 * A TCP relay that hands every byte on a fixed time after it came, both ways: a link over
 * a distance, without its losses.
 *
 *   client ──▶ [chunk, due][chunk, due] ──▶ target       the order is kept, also when the
 *          ◀── [chunk, due][chunk, due] ◀──              delay is made shorter meanwhile
 */
export class DelayingRelay {
  /** One way, for what comes from now on. */
  delayMs: number;
  /** Told of all that comes, from either side, and of the connection. */
  onBytes: ((bytes: Buffer, from: Socket) => void) | undefined;
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #deliveries = new Set<() => void>();
  readonly #cut = { forth: false, back: false };

  private constructor(server: Server, target: { host: string; port: number }, delayMs: number) {
    this.delayMs = delayMs;
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (client) => {
      const far = openSocket(target);
      for (const socket of [client, far]) this.#watch(socket);
      this.#pipe(client, far, 'forth');
      this.#pipe(far, client, 'back');
    });
  }

  static async start(
    host: string,
    target: { host: string; port: number },
    delayMs: number,
  ): Promise<DelayingRelay> {
    const server = createServer({ allowHalfOpen: true });
    await once(server.listen(0, host), 'listening');
    return new DelayingRelay(server, target, delayMs);
  }

  /**
   * A black hole, also for connections that are made meanwhile. Mended, it hands on what it
   * held, as TCP sends again what got lost.
   */
  cut(way: Way, isCut: boolean): void {
    this.#cut[way] = isCut;
    for (const deliver of this.#deliveries) deliver();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {}); // `close` follows
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #pipe(from: Socket, to: Socket, way: Way): void {
    const held: { dueMs: number; chunk: Buffer | undefined }[] = [];
    let heldBytes = 0;
    const deliver = () => {
      if (this.#cut[way]) return;
      while (held.length > 0 && held[0]!.dueMs <= performance.now() + 0.5) {
        const { chunk } = held.shift()!;
        if (chunk === undefined) to.destroy();
        else if (!to.destroyed) to.write(chunk);
        heldBytes -= chunk?.length ?? 0;
      }
      if (heldBytes < heldBytesMost && from.isPaused()) from.resume();
      if (held.length > 0) setTimeout(deliver, held[0]!.dueMs - performance.now());
    };
    const hold = (chunk: Buffer | undefined) => {
      held.push({ dueMs: performance.now() + this.delayMs, chunk });
      heldBytes += chunk?.length ?? 0;
      if (heldBytes >= heldBytesMost) from.pause();
      if (held.length === 1) setTimeout(deliver, this.delayMs);
    };
    from.on('data', (chunk) => {
      this.onBytes?.(chunk, from);
      hold(chunk);
    });
    from.once('close', () => hold(undefined));
    this.#deliveries.add(deliver);
    to.once('close', () => this.#deliveries.delete(deliver));
  }
}
