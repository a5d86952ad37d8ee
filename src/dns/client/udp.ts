import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { messageOf } from '../../base/errors.ts';
import { DnsError } from '../errors.ts';
import { decodeMessage, type Message } from '../wire/message.ts';
import type { Ask, ServerAddress } from './exchange.ts';

interface Pending {
  readonly ask: Ask;
  readonly resolve: (message: Message) => void;
  readonly reject: (error: DnsError) => void;
  readonly timeout: NodeJS.Timeout;
}

const maxPending = 32_768;

/**
 * Many questions in flight over one socket, told apart by random ids. The socket is
 * connected: the kernel drops what others send, and reports a port that nobody listens on.
 */
export class UdpExchange {
  readonly #address: ServerAddress;
  readonly #pending = new Map<number, Pending>();
  #socket: Socket | undefined;
  #opening: Promise<Socket> | undefined;
  #closed = false;

  constructor(address: ServerAddress) {
    this.#address = address;
  }

  /** Rejects with `lookup_timeout` or `lookup_failed`. */
  async ask(ask: Ask): Promise<Message> {
    this.#opening ??= this.#open();
    const socket = this.#socket ?? (await this.#opening);
    if (this.#closed) throw new DnsError('lookup_failed', 'the DNS client is closed');
    return new Promise((resolve, reject) => this.#send(socket, ask, resolve, reject));
  }

  #send(socket: Socket, ask: Ask, resolve: Pending['resolve'], reject: Pending['reject']): void {
    const id = this.#freeId();
    if (id === undefined) {
      reject(new DnsError('lookup_failed', `more than ${maxPending} look-ups in flight`));
      return;
    }
    const timeout = setTimeout(() => {
      this.#settle(id)?.reject(this.#timeoutError(ask));
    }, ask.timeoutMs);
    this.#pending.set(id, { ask, resolve, reject, timeout });
    socket.send(ask.encode(id), (error) => {
      if (error) this.#settle(id)?.reject(this.#failure(error));
    });
  }

  /** Unpredictable (RFC 5452 4.5) and not in use; with half of all ids free, found soon. */
  #freeId(): number | undefined {
    if (this.#pending.size >= maxPending) return undefined;
    for (;;) {
      const id = randomInt(0x1_0000);
      if (!this.#pending.has(id)) return id;
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (!pending) return undefined;
    this.#pending.delete(id);
    clearTimeout(pending.timeout);
    return pending;
  }

  async #open(): Promise<Socket> {
    const { server, port } = this.#address;
    const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
    try {
      socket.connect(port, server);
      await once(socket, 'connect');
    } catch (error) {
      socket.close();
      this.#opening = undefined;
      throw this.#failure(error);
    }
    socket.on('message', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => this.#rejectAll(this.#failure(error)));
    this.#socket = socket;
    if (this.#closed) socket.close();
    return socket;
  }

  /** What is malformed or answers another question is ignored: it may be forged (RFC 5452 9). */
  #receive(bytes: Buffer): void {
    if (bytes.length < 2) return;
    const id = bytes.readUInt16BE(0);
    const pending = this.#pending.get(id);
    if (!pending) return;
    const message = tryDecode(bytes);
    if (!message || !pending.ask.accepts(message)) return;
    this.#settle(id);
    pending.resolve(message);
  }

  #rejectAll(error: DnsError): void {
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(error);
  }

  #timeoutError({ timeoutMs }: Ask): DnsError {
    const { server, port } = this.#address;
    const message = `no answer from ${server}:${port} over UDP within ${timeoutMs} ms`;
    return new DnsError('lookup_timeout', message);
  }

  #failure(cause: unknown): DnsError {
    const { server, port } = this.#address;
    const message = `cannot reach ${server}:${port} over UDP: ${messageOf(cause)}`;
    return new DnsError('lookup_failed', message, { cause });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#rejectAll(new DnsError('lookup_failed', 'the DNS client was closed'));
    this.#socket?.close();
  }
}

function tryDecode(bytes: Buffer): Message | undefined {
  try {
    return decodeMessage(bytes);
  } catch {
    return undefined;
  }
}
