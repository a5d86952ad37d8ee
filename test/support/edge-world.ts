import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';
import { fairTimer } from './fair-time.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Third octets of the loopback addresses. */
export const places = { 'edge-1': 1, us: 2, eu: 3, watch: 4 } as const;
export type Place = keyof typeof places;
export const regions = ['us', 'eu'] as const;
export type Region = (typeof regions)[number];

/** A service in one region: says where it is, keeps count of what it was asked, echoes WebSockets. */
export class RegionService {
  readonly region: Region;
  readonly server = createServer((request, response) => this.#answer(request, response));
  /** How often each `POST /ID` came. */
  readonly posts = new Map<string, number>();

  private constructor(region: Region) {
    this.region = region;
    new WebSocketServer({ server: this.server }).on('connection', (socket) => {
      socket.on('message', (data) => socket.send(`${this.region} heard ${String(data)}`));
    });
  }

  static async start(region: Region): Promise<RegionService> {
    const service = new RegionService(region);
    service.server.listen(0, '127.0.0.1');
    await once(service.server, 'listening');
    return service;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method, url = '' } = request;
    if (method === 'POST') this.posts.set(url, (this.posts.get(url) ?? 0) + 1);
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    // Some requests are always under way.
    request.on('end', () => {
      const body = `${this.region} ${Buffer.concat(parts)}`;
      setTimeout(() => response.end(body), 30);
    });
    request.on('error', () => {});
  }
}

/** An edge and a witness before two regions; their services stand in the process of the test. */
export async function edgeConfig(ports: Readonly<Record<Region, number>>): Promise<string> {
  const near = { latitude: 50, longitude: 8 };
  const address = (place: Place) => `127.0.${places[place]}.1`;
  const config = {
    regions: {
      'edge-1': { address: address('edge-1'), location: near, kind: 'edge' },
      us: { address: address('us'), location: near },
      eu: { address: address('eu'), location: near },
      watch: { address: address('watch'), location: near, kind: 'witness' },
    },
    store: { engine: 'memory' },
    // All that a black hole held is repeated at once: on a busy machine that is too much for a moment.
    shedding: 'off',
    services: {
      api: {
        endpoints: { us: [`127.0.0.1:${ports.us}`], eu: [`127.0.0.1:${ports.eu}`] },
        timeouts: { connect: '1500ms', firstByte: '8s' },
        // A service that is as busy as this machine is not down.
        check: { type: 'tcp', interval: '5s', connectTimeout: '10s', timeout: '10s' },
      },
    },
    routes: [{ name: 'all', service: 'api' }],
    zones: {
      'exchange.test': {
        ttl: '1s',
        records: [{ name: 'api', type: 'A', service: 'api', answers: [{ region: 'edge-1' }] }],
      },
    },
    stack: {},
  };
  const path = join(await temporaryDirectory('edge'), 'meridian.json');
  await writeFile(path, JSON.stringify(config));
  return path;
}

export interface Asked {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly startedMs: number;
  readonly endedMs: number;
  /** Without what processes of this machine waited for a processor. */
  readonly tookMs: number;
  /** 0: nothing came, or not all of it. */
  readonly status: number;
  /** That answered, as its service says. */
  readonly region: string;
  /** Of what failed: who answered, and how. */
  readonly failure: string | undefined;
  /** Whether a PUT got back what it sent. */
  readonly whole: boolean;
}

/** Requests to one address at a steady rate: of ten, seven GET, two PUT with content, one POST. */
export class EdgeLoad {
  readonly asked: Asked[] = [];
  readonly #base: string;
  readonly #timer: NodeJS.Timeout;
  readonly #underWay = new Set<Promise<void>>();
  #count = 0;

  constructor(base: string, perSecond: number) {
    this.#base = base;
    this.#timer = setInterval(() => {
      const one = this.#ask(this.#count++).finally(() => this.#underWay.delete(one));
      this.#underWay.add(one);
    }, 1_000 / perSecond);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  async #ask(number: number): Promise<void> {
    const kind = number % 10;
    const method = kind < 7 ? 'GET' : kind < 9 ? 'PUT' : 'POST';
    const path = `/${process.hrtime.bigint()}-${number}`;
    const body = method === 'GET' ? '' : 'x'.repeat(20_000);
    const startedMs = performance.now();
    const passedMs = fairTimer();
    let status = 0;
    let text = '';
    let failure: string | undefined;
    try {
      const signal = AbortSignal.timeout(60_000);
      const answer = await fetch(`${this.#base}${path}`, {
        method,
        signal,
        ...(body !== '' && { body }),
      });
      text = await answer.text();
      status = answer.status;
      if (!answer.ok) failure = `${answer.headers.get('meridian-region')}: ${text}`;
    } catch (error) {
      failure = String(error);
    }
    const [region = '', echoed] = text.split(' ');
    const whole = method !== 'PUT' || echoed === body;
    const endedMs = performance.now();
    const tookMs = passedMs();
    const times = { startedMs, endedMs, tookMs };
    this.asked.push({ method, path, ...times, status, region, failure, whole });
  }
}
