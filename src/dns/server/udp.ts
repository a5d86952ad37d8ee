import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { maxUdpPayload } from '../wire/codes.ts';
import { QueryOrigin } from './query-origin.ts';
import type { Responder } from './responder.ts';

/** Responses that the kernel has not yet taken; above it queries are dropped, as a full socket would. */
const maxInFlight = 512;

/**
 * Asked of the kernel, which may give less (`net.core.rmem_max`). Its usual 208 KiB hold some
 * 270 queries, which come in 3 ms of full load: less than one pause of the garbage collector.
 */
const receiveBufferBytes = 1_048_576;

/** Told of every answered query, right after its response was made, with the time that took. */
export type OnAnswered = (durationMs: number) => void;

export interface UdpListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly responder: Responder;
  readonly onAnswered: OnAnswered;
  /** Told of a query that was not answered, for whatever reason. */
  readonly onDropped?: () => void;
  readonly clock: Clock;
}

/**
 * One response buffer. `node:dgram` sends on the next tick, or later when the kernel's
 * buffer is full, so a buffer is used again only after its `sent` was called:
 *
 *   free ──respond──▶ in flight ──sent──▶ free
 */
class ResponseSlot {
  readonly bytes = Buffer.allocUnsafeSlow(maxUdpPayload);
  readonly sent: () => void;

  constructor(free: ResponseSlot[]) {
    // A send that failed (EPERM, ENETUNREACH, …) is a response lost on the way: the client asks again.
    this.sent = () => void free.push(this);
  }
}

export class UdpListener {
  readonly #socket: Socket;
  readonly #responder: Responder;
  readonly #onAnswered: OnAnswered;
  readonly #onDropped: () => void;
  readonly #nowMs: () => number;
  readonly #origin = new QueryOrigin('udp');
  readonly #free: ResponseSlot[] = [];
  #slots = 0;

  private constructor(options: UdpListenerOptions) {
    this.#responder = options.responder;
    this.#onAnswered = options.onAnswered;
    this.#onDropped = options.onDropped ?? (() => {});
    this.#nowMs = () => options.clock.monotonicMs();
    const family = isIPv6(options.host) ? 6 : 4;
    this.#socket = createSocket({
      type: `udp${family}`,
      reusePort: options.reusePort,
      recvBufferSize: receiveBufferBytes,
      // Addresses are numeric; the default would ask getaddrinfo's front end for each response.
      lookup: (address, _options, callback) => callback(null, address, family),
    });
  }

  /** Bound and answering. Rejects with the system's error when the address cannot be had. */
  static async open(options: UdpListenerOptions): Promise<UdpListener> {
    const listener = new UdpListener(options);
    const socket = listener.#socket;
    // Asked for first: with a lookup that answers at once, so does `bind`.
    const listening = once(socket, 'listening');
    try {
      socket.bind({ address: options.host, port: options.port, exclusive: true });
      await listening;
    } catch (error) {
      socket.close();
      throw error;
    }
    // ICMP errors of earlier responses come up here (ECONNREFUSED, …): nobody to tell.
    socket.on('error', () => {});
    socket.on('message', (message, remote) => listener.receive(message, remote));
    return listener;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Answers one datagram. libuv brings at most 32 in a turn of the event loop, then others have theirs. */
  receive(message: Buffer, { address, port }: Pick<RemoteInfo, 'address' | 'port'>): void {
    // Port 0 cannot be answered (`send` would throw): only a forged packet has it.
    if (port === 0) return;
    const slot = this.#takeSlot();
    if (!slot) return;
    const startMs = this.#nowMs();
    this.#origin.address = address;
    this.#origin.receivedMs = startMs;
    const length = this.#responder.respond(message, message.length, this.#origin, slot.bytes);
    if (length === 0) {
      slot.sent();
      this.#onDropped();
      return;
    }
    this.#socket.send(slot.bytes, 0, length, port, address, slot.sent);
    this.#onAnswered(this.#nowMs() - startMs);
  }

  #takeSlot(): ResponseSlot | undefined {
    const free = this.#free.pop();
    if (free || this.#slots === maxInFlight) return free;
    this.#slots++;
    return new ResponseSlot(this.#free);
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }
}
