import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { systemClock } from '../../../base/clock.ts';
import { checkSchema } from '../../../config/schema/check.ts';
import type { ProbeTarget } from '../../targets.ts';
import { createProbe } from '../create-probe.ts';

/** On a busy machine nothing is late but what a test wants to be. */
export const patience = { interval: '1h', connectTimeout: '60s', timeout: '60s' } as const;

export function targetOf(port: number, options: object, rest: Partial<ProbeTarget> = {}) {
  const check = checkSchema.parse({ ...patience, ...options });
  return { key: 'k', host: '127.0.0.1', port, check, endpoints: [], ...rest };
}

/** Servers that are probed. */
export class ProbedWorld {
  readonly #servers = new Map<number, Server>();
  readonly #sockets = new Set<Socket>();
  readonly #probe = createProbe(systemClock);

  readonly serve = (onSocket: (socket: Socket) => void): Promise<number> =>
    this.listen(createServer({ allowHalfOpen: true }, onSocket));

  readonly serveSecurely = (
    options: TlsOptions,
    onSocket: (socket: Socket) => void,
  ): Promise<number> => this.listen(createTlsServer(options, onSocket));

  /** Reads a request, gives the answer piece by piece, and ends. */
  readonly answer = (...pieces: string[]): Promise<number> =>
    this.serve((socket) => {
      socket.once('data', async () => {
        for (const piece of pieces) {
          socket.write(piece);
          await new Promise((resolve) => setImmediate(resolve));
        }
        socket.end();
      });
    });

  /** `ok: …` or `failed: …`. */
  readonly outcome = (port: number, options: object, rest?: string | Partial<ProbeTarget>) => {
    const target = targetOf(port, options, typeof rest === 'string' ? { host: rest } : rest);
    return new Promise<string>((resolve, reject) => {
      let calls = 0;
      this.#probe(target, (ok, detail) => {
        if (++calls > 1) reject(new Error('two results of one probe'));
        setTimeout(() => resolve(`${ok ? 'ok' : 'failed'}: ${detail}`), 5);
      });
    });
  };

  async listen(server: Server): Promise<number> {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
    });
    server.on('tlsClientError', () => undefined);
    server.on('secureConnection', (socket: Socket) => socket.on('error', () => undefined));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    const port = typeof bound === 'object' && bound ? bound.port : 0;
    this.#servers.set(port, server);
    return port;
  }

  /** Nobody listens there any more. */
  stop(port: number): void {
    this.#servers.get(port)?.close();
  }

  close(): void {
    for (const server of this.#servers.values()) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
