import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { codeOf, MeridianError } from '../../base/errors.ts';

export type PortErrorCode = 'port_taken' | 'port_unusable';

export interface PortNeed {
  readonly purpose: string;
  readonly host: string;
  readonly port: number;
  readonly transport: 'tcp' | 'udp';
}

/**
 * Proves that nobody listens on a port. The listeners of the threads share theirs by
 * SO_REUSEPORT, and with that a second program binds the same port in silence and takes
 * part of the connections; one exclusive bind beforehand finds it.
 *
 * @throws MeridianError `port_taken` or `port_unusable` that names all such ports.
 */
export async function provePortsFree(needs: readonly PortNeed[]): Promise<void> {
  const results = await Promise.all(
    needs.map(async (need) => ({ need, error: await tryBind(need) })),
  );
  const failed = results.filter(({ error }) => error !== undefined);
  if (failed.length === 0) return;
  const sentences = failed.map(({ need, error }) => describe(need, error));
  const taken = failed.every(({ error }) => codeOf(error) === 'EADDRINUSE');
  throw new MeridianError<PortErrorCode>(
    taken ? 'port_taken' : 'port_unusable',
    sentences.join('; '),
  );
}

function describe({ purpose, host, port, transport }: PortNeed, error: unknown): string {
  const place = `${transport} ${host}:${port} (${purpose})`;
  return codeOf(error) === 'EADDRINUSE'
    ? `${place} is taken by another program`
    : `cannot listen on ${place}: ${codeOf(error) ?? String(error)}`;
}

function tryBind(need: PortNeed): Promise<unknown> {
  return need.transport === 'tcp' ? tryTcp(need) : tryUdp(need);
}

function tryTcp({ host, port }: PortNeed): Promise<unknown> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function tryUdp({ host, port }: PortNeed): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => {
      socket.close();
      resolve(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () =>
      socket.close(() => resolve(undefined)),
    );
  });
}
