import { connect, type Socket } from 'node:net';
import { cutMessage } from './raw-origin.ts';

export interface SteadyOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly perSecond: number;
}

/** Well below the shortest idle limit of a gateway under test, 2 s. */
const keptMs = 1_000;
/** Below every limit of such a gateway on a client that sends nothing. */
const stillMs = 1_000;
const everyMs = 5;

interface IdleSocket {
  readonly socket: Socket;
  /** When its last request was sent: the gateway cannot count it as idle from an earlier time. */
  readonly usedMs: number;
}

/**
 * A well-behaved client: kept-alive connections in turn, at a steady rate, whatever comes back.
 * One that is about to be closed by the gateway is not used: its end and a request could cross.
 * What it had begun when its process stood still does not count as failed: it was too slow itself.
 */
export class SteadyClient {
  /** How long each request took. */
  readonly latenciesMs: number[] = [];
  readonly failures: string[] = [];
  readonly #options: SteadyOptions;
  readonly #idle: IdleSocket[] = [];
  readonly #busy = new Set<Socket>();
  readonly #timer: NodeJS.Timeout;
  readonly #startedMs = performance.now();
  #sent = 0;
  #lookedMs = performance.now();
  /** When it last moved on after it had stood still. */
  #awokeMs = Number.NEGATIVE_INFINITY;

  constructor(options: SteadyOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#catchUp(), everyMs);
  }

  get answered(): number {
    return this.latenciesMs.length;
  }

  /** The slowest of all but a hundredth, from request `from` on. */
  p99Ms(from = 0): number {
    const sorted = this.latenciesMs.slice(from).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const { socket } of this.#idle) socket.destroy();
    for (const socket of this.#busy) socket.destroy();
  }

  #catchUp(): void {
    const nowMs = performance.now();
    const due = ((nowMs - this.#startedMs) / 1_000) * this.#options.perSecond;
    if (nowMs - this.#lookedMs > stillMs) {
      this.#awokeMs = nowMs;
      // What it missed it leaves out: all at once would be no steady rate.
      this.#sent = Math.floor(due);
    }
    this.#lookedMs = nowMs;
    for (; this.#sent < due; this.#sent++) this.#request();
  }

  #request(): void {
    const { host, port, path } = this.#options;
    const socket = this.#kept() ?? connect({ host, port, noDelay: true });
    const startedMs = performance.now();
    let text = '';
    const finish = (failure: string | undefined) => {
      socket.removeAllListeners();
      socket.on('error', () => {});
      this.#busy.delete(socket);
      if (failure === undefined) {
        this.latenciesMs.push(performance.now() - startedMs);
        this.#idle.push({ socket, usedMs: startedMs });
        socket.on('close', () => this.#forget(socket));
        return;
      }
      if (startedMs > this.#awokeMs) this.failures.push(failure);
      socket.destroy();
    };
    this.#busy.add(socket);
    socket.removeAllListeners();
    socket.on('error', (error) => finish(error.message));
    socket.on('close', () => finish(`closed after ${JSON.stringify(text.slice(0, 40))}`));
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (!cutMessage(text)) return;
      finish(text.startsWith('HTTP/1.1 200 ') ? undefined : describe(text));
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: good\r\n\r\n`);
  }

  /** The connection used last, if that was not too long ago. */
  #kept(): Socket | undefined {
    const last = this.#idle.pop();
    if (!last) return undefined;
    if (performance.now() - last.usedMs < keptMs) return last.socket;
    last.socket.destroy();
    return this.#kept();
  }

  #forget(socket: Socket): void {
    const at = this.#idle.findIndex((idle) => idle.socket === socket);
    if (at !== -1) this.#idle.splice(at, 1);
  }
}

function describe(text: string): string {
  return `${text.slice(9, 12)} ${/"code":"(\w+)"/.exec(text)?.[1] ?? ''}`;
}
