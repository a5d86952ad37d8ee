import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import { codeOf, MeridianError, messageOf } from '../../base/errors.ts';
import type { DataApiFigures } from '../../observability/data-metrics.ts';
import { type Answer, problem, send } from './answer.ts';
import { isEarly } from './body.ts';
import type { ServedBuckets } from './call.ts';
import { DataApiCounters } from './counters.ts';
import { EventTurns } from './event-turns.ts';
import { handle } from './handle.ts';
import { refuseMalformed } from './malformed.ts';
import { Networks } from './networks.ts';
import { apiDocument } from './openapi.ts';
import type { OperationId } from './operations.ts';
import { type Grant, Rights, rightOf } from './rights.ts';
import { SharedRoom } from './shared-room.ts';
import { Unsent } from './unsent.ts';
import { Watches } from './watches.ts';

/** `data_port_taken`: another program holds it. `data_listen_failed`: any other cause. */
export type DataServerErrorCode = 'data_port_taken' | 'data_listen_failed';

/** Who may use what; may be replaced while the server serves. */
export interface DataServerSettings {
  /** Whose connections are taken: `10.0.0.0/8`. */
  readonly networks: readonly string[];
  readonly buckets: ServedBuckets;
  /** By the name of the service. */
  readonly grants: Readonly<Record<string, Grant>>;
}

export interface DataServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly region: string;
  readonly settings: DataServerSettings;
  readonly clock: Clock;
  readonly limits?: Partial<DataServerLimits>;
  /** Told of errors of the node's own behind a 500. */
  onFailure(error: unknown): void;
}

export interface DataServerLimits {
  readonly connections: number;
  /** Under way at once, watches not counted. */
  readonly requests: number;
  /** Of watches; of everything else half is for one service. */
  readonly watchesOfService: number;
  readonly watches: number;
  /** Of values that all watches write in one turn of the event loop. */
  readonly eventBytesOfTurn: number;
  /** Of all that are under way. */
  readonly bodyBytes: number;
  /** Of values, while answers of many are made. */
  readonly valueBytes: number;
  readonly headerTimeMs: number;
  /** For head and body of a request to come in. */
  readonly requestTimeMs: number;
  /** Of answers that their clients have not taken yet. */
  readonly unsentBytes: number;
  /** For a client to take an answer. */
  readonly answerTimeMs: number;
  /** For requests under way when the server is closed. */
  readonly closeTimeMs: number;
}

export const dataServerLimits: DataServerLimits = {
  connections: 1_024,
  requests: 1_024,
  watchesOfService: 32,
  watches: 256,
  eventBytesOfTurn: 512 * 1024,
  bodyBytes: 64 * 1024 * 1024,
  valueBytes: 128 * 1024 * 1024,
  headerTimeMs: 5_000,
  requestTimeMs: 15_000,
  unsentBytes: 256 * 1024 * 1024,
  answerTimeMs: 60_000,
  closeTimeMs: 4_000,
};

const keepAliveMs = 30_000;

export interface DataServer {
  readonly port: number;
  /** Open connections stay; what they may not do any more ends. */
  update(settings: DataServerSettings): void;
  figures(): DataApiFigures;
  /** Watches end with a word, what is idle at once, requests under way within a bound. Idempotent. */
  close(): Promise<void>;
}

/**
 * The data API of a node.
 *
 * @throws MeridianError with a `DataServerErrorCode`
 */
export async function createDataServer(options: DataServerOptions): Promise<DataServer> {
  const server = new RunningServer(options);
  await server.listen();
  return server;
}

class RunningServer implements DataServer {
  readonly #options: DataServerOptions;
  readonly #limits: DataServerLimits;
  readonly #http: Server;
  readonly #counters = new DataApiCounters();
  readonly #requests: SharedRoom;
  readonly #bodies: SharedRoom;
  readonly #values: SharedRoom;
  readonly #unsent: Unsent;
  readonly #watches: Watches;
  readonly #turns: EventTurns;
  readonly #document = JSON.stringify(apiDocument());
  readonly #connections = new Set<Socket>();
  /** Those that have shown no token yet, the oldest first. */
  readonly #strangers = new Set<Socket>();
  /** Whose body was still on its way: the limit of its time calls for no second answer. */
  readonly #answeredEarly = new WeakSet<Duplex>();
  #settings: DataServerSettings;
  #rights: Rights;
  #networks: Networks;
  #underWay = 0;
  #closed: Promise<void> | undefined;

  constructor(options: DataServerOptions) {
    const limits = { ...dataServerLimits, ...options.limits };
    this.#options = options;
    this.#limits = limits;
    this.#settings = options.settings;
    this.#rights = new Rights(options.settings.grants);
    this.#networks = new Networks(options.settings.networks);
    this.#requests = new SharedRoom('requests are under way', limits.requests);
    this.#bodies = new SharedRoom('bodies are on their way', limits.bodyBytes);
    this.#values = new SharedRoom('values are asked for at once', limits.valueBytes);
    const unsent = { bytes: limits.unsentBytes, timeMs: limits.answerTimeMs };
    this.#unsent = new Unsent(unsent, options.clock, () => {
      this.#counters.stalledAnswers++;
    });
    this.#watches = new Watches({ ofService: limits.watchesOfService, ofAll: limits.watches });
    this.#turns = new EventTurns(limits.eventBytesOfTurn);
    this.#http = createServer({
      headersTimeout: limits.headerTimeMs,
      requestTimeout: limits.requestTimeMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headerTimeMs),
      maxHeaderSize: 16 * 1024,
      requireHostHeader: false, // `checkHead` does, and is counted
      noDelay: true,
    });
    this.#http.on('connection', (socket) => this.#accept(socket));
    const take = (request: IncomingMessage, response: ServerResponse) => {
      void this.#take(request, response);
    };
    this.#http.on('request', take);
    this.#http.on('checkContinue', take);
    this.#http.on('checkExpectation', take);
    this.#http.on('clientError', (error, socket) => {
      if (this.#answeredEarly.has(socket)) return void socket.destroy();
      const status = refuseMalformed(error, socket);
      if (status !== undefined) this.#counters.request('other', status);
    });
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options;
    try {
      this.#http.listen({ host, port, exclusive: true });
      await once(this.#http, 'listening');
    } catch (cause) {
      const taken = codeOf(cause) === 'EADDRINUSE';
      const why = taken ? 'another program holds the port' : messageOf(cause);
      throw new MeridianError<DataServerErrorCode>(
        taken ? 'data_port_taken' : 'data_listen_failed',
        `the data API cannot listen on ${host}:${port}: ${why}`,
        { cause, details: { host, port } },
      );
    }
  }

  update(settings: DataServerSettings): void {
    const before = this.#settings.grants;
    this.#settings = settings;
    this.#rights = new Rights(settings.grants);
    this.#networks = new Networks(settings.networks);
    for (const socket of this.#connections) {
      if (!this.#networks.has(socket.remoteAddress)) socket.destroy();
    }
    const { grants, buckets } = settings;
    const mayGoOn = (service: string, bucket: string) =>
      Object.hasOwn(grants, service) &&
      grants[service]!.token === before[service]?.token && // else opened with one that is gone
      rightOf({ service, rights: grants[service]!.rights }, bucket) !== undefined &&
      buckets.get(bucket)?.bucket !== undefined;
    this.#watches.endWhere((service, bucket) => !mayGoOn(service, bucket), 'bucket_unknown');
  }

  figures(): DataApiFigures {
    return this.#counters.figures(this.#connections.size, this.#watches.count);
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      const force = setTimeout(() => this.#http.closeAllConnections(), this.#limits.closeTimeMs);
      this.#http.close(() => {
        clearTimeout(force);
        resolve();
      });
      this.#watches.endWhere(() => true, 'closed');
      this.#http.closeIdleConnections();
    });
    return this.#closed;
  }

  /** Where all places are taken, the oldest connection that showed no token gives way. */
  #accept(socket: Socket): void {
    if (!this.#networks.has(socket.remoteAddress)) {
      this.#counters.refusedNetwork++;
      return void socket.destroy();
    }
    this.#add(socket);
    if (this.#connections.size <= this.#limits.connections) return;
    this.#counters.refusedLimit++;
    const [oldest = socket] = this.#strangers;
    this.#remove(oldest);
    oldest.destroy();
  }

  #add(socket: Socket): void {
    this.#connections.add(socket);
    this.#strangers.add(socket);
    socket.once('close', () => this.#remove(socket));
  }

  #remove(socket: Socket): void {
    this.#connections.delete(socket);
    this.#strangers.delete(socket);
  }

  /** Never rejects. */
  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, onFailure, region } = this.#options;
    request.on('error', () => undefined); // the connection is gone, and with it who asked
    response.on('error', () => undefined);
    if (this.#underWay - this.#watches.count >= this.#limits.requests) {
      const detail = 'the node has as many requests under way as it takes on';
      return this.#answer(request, response, undefined, problem('too_busy', detail));
    }
    const startedMs = clock.monotonicMs();
    const context = {
      region,
      clock,
      buckets: this.#settings.buckets,
      requests: this.#requests,
      bodies: this.#bodies,
      values: this.#values,
      watches: this.#watches,
      turns: this.#turns,
      counters: this.#counters,
      document: this.#document,
      answerTimeMs: this.#limits.answerTimeMs,
      onKnown: ({ socket }: IncomingMessage) => void this.#strangers.delete(socket),
    };
    this.#underWay++;
    const handled = await handle(request, response, context, this.#rights, onFailure);
    this.#underWay--;
    const { operation, answer } = handled;
    if (response.headersSent) this.#counters.request(operation ?? 'other', response.statusCode);
    else if (answer) {
      this.#answer(request, response, operation, answer, clock.monotonicMs() - startedMs);
    }
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    operation: OperationId | undefined,
    wanted: Answer,
    durationMs?: number,
  ): void {
    const answer = this.#unsent.hasRoom(bytesOf(wanted)) ? wanted : noRoom;
    this.#counters.request(operation ?? 'other', answer.status, durationMs);
    if (response.destroyed) return;
    if (isEarly(request)) this.#answeredEarly.add(request.socket);
    if (this.#closed) response.shouldKeepAlive = false;
    this.#counters.sentBytes += send(request, response, answer);
    this.#unsent.add(request, response);
  }
}

const noRoom = problem(
  'too_busy',
  'more answers wait for their clients than the node has room for',
);

/** Short ones always have room, such as those that say there is none. */
function bytesOf({ body = '' }: Answer): number {
  return body.length <= shortBytes ? 0 : body.length;
}

const shortBytes = 4_096;
