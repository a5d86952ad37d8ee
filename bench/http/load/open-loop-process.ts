/**
 * Sends requests when they are due, on connections that are kept alive. It looks without
 * pause whether one is, so nothing else may need its processor but what has precedence.
 *
 *   due ─▶ a connection is free ─▶ sent ─▶ answered ─▶ the connection takes what waits,
 *           │                       └───▶ lost           or is free
 *           └ none is: it waits
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../apply/monotonic.ts';
import { obey } from './child.ts';
import { Connection, type SharedByConnections } from './connection.ts';
import type { OpenLoopCommand, OpenLoopOptions, OpenLoopSamples } from './open-loop.ts';
import { Stalls } from './stalls.ts';

const offsetMs = monotonicMs() - performance.now();
const now = () => performance.now() + offsetMs;
const lostAfterMs = 10_000;
const connectLimitMs = 10_000;
const readBytes = 65_536;

class Load {
  readonly #texts: readonly string[];
  readonly #size: number;
  /** Between two requests. */
  readonly #meanMs: number;
  /** The most recently used last; some may have been closed meanwhile. */
  readonly #free: Connection[] = [];
  readonly #dueMs: number[] = [];
  readonly #latencyMs: number[] = [];
  readonly #status: number[] = [];
  /** Requests that came due while no connection was free; those before `#next` have gone. */
  #waiting: number[] = [];
  #next = 0;
  #ended = 0;
  #closed = 0;
  /** Sent and read since the last look. */
  #messages = 0;
  #stalls = new Stalls(now());
  #running: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor({ port, connections, targets, perSecond }: OpenLoopOptions) {
    this.#meanMs = 1_000 / perSecond;
    this.#size = connections;
    this.#texts = targets.map(
      ({ host, path }) => `GET ${path} HTTP/1.1\r\nHost: ${host ?? 'localhost'}\r\n\r\n`,
    );
    const shared: SharedByConnections = {
      port,
      buffer: Buffer.allocUnsafe(readBytes),
      known: { bytes: 0 },
      onFree: (connection) => this.#takeNext(connection),
      onAnswered: (request, status) => this.#end(request, status),
      onClosed: (request) => {
        this.#closed++;
        if (request !== undefined) this.#end(request, 0);
      },
    };
    for (let count = 0; count < connections; count++) new Connection(shared);
  }

  async start(): Promise<void> {
    for (let waitedMs = 0; this.#free.length < this.#size; waitedMs += 10) {
      if (waitedMs > connectLimitMs) throw new Error('not all connections were accepted');
      await sleep(10);
    }
    this.#stalls = new Stalls(now());
    this.#running = this.#run();
  }

  async stop(): Promise<OpenLoopSamples> {
    this.#stopping = true;
    await this.#running;
    const stalls = this.#stalls;
    const latencyMs = this.#dueMs.map((dueMs, request) => {
      const whole = this.#latencyMs[request]!;
      return whole - stalls.within(dueMs, dueMs + whole);
    });
    return {
      dueMs: Float64Array.from(this.#dueMs),
      latencyMs: Float64Array.from(latencyMs),
      status: Uint16Array.from(this.#status),
      closed: this.#closed,
      stalledMs: stalls.totalMs,
    };
  }

  /** Resolves when it is told to stop and all are answered, or lost. */
  #run(): Promise<void> {
    let dueMs = now();
    let lostAtMs = Number.POSITIVE_INFINITY;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      const nowMs = now();
      this.#stalls.look(nowMs, this.#messages);
      this.#messages = 0;
      if (this.#stopping) {
        lostAtMs = Math.min(lostAtMs, nowMs + lostAfterMs);
        if (this.#ended === this.#dueMs.length || nowMs > lostAtMs) return resolve();
      } else {
        for (; dueMs <= nowMs; dueMs += -Math.log(1 - Math.random()) * this.#meanMs)
          this.#add(dueMs);
      }
      setImmediate(look);
    };
    look();
    return promise;
  }

  #add(dueMs: number): void {
    const request = this.#dueMs.push(dueMs) - 1;
    this.#latencyMs.push(Number.POSITIVE_INFINITY);
    this.#status.push(0);
    let connection = this.#free.pop();
    while (connection && !connection.free) connection = this.#free.pop();
    if (connection) this.#send(connection, request);
    else this.#wait(request);
  }

  #wait(request: number): void {
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
    this.#waiting.push(request);
  }

  #takeNext(connection: Connection): void {
    if (this.#next < this.#waiting.length) this.#send(connection, this.#waiting[this.#next++]!);
    else this.#free.push(connection);
  }

  #send(connection: Connection, request: number): void {
    this.#messages++;
    connection.send(request, this.#texts[request % this.#texts.length]!);
  }

  #end(request: number, status: number): void {
    this.#messages++;
    this.#ended++;
    this.#status[request] = status;
    this.#latencyMs[request] = now() - this.#dueMs[request]!;
  }
}

let load: Load | undefined;

obey(async (command: OpenLoopCommand) => {
  if (command.kind === 'stop') return load!.stop();
  load = new Load(command.options);
  await load.start();
  return null;
});
