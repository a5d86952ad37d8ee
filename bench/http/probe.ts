import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:tls';
import type { Setup, Subject } from './setup.ts';

const probeTimeoutMs = 2_000;

/** @throws when the program ends before it answers the first and the last of its routes. */
export async function untilServing(subject: Subject, { routes }: Setup): Promise<void> {
  const ends = [routes[0]!, routes.at(-1)!];
  await subject.program.until('answering with 200', async () => {
    for (const { host, prefix } of ends) {
      if ((await statusOf(subject, host, `${prefix}/ready`)) !== 200) return false;
    }
    return true;
  });
}

/** Of a GET on a connection of its own; 0 without an answer. */
export function statusOf(
  { httpPort, httpsPort }: Pick<Subject, 'httpPort' | 'httpsPort'>,
  host: string | undefined,
  path: string,
): Promise<number> {
  const secure = httpsPort !== 0;
  const options = {
    host: '127.0.0.1',
    port: secure ? httpsPort : httpPort,
    path,
    headers: { Host: host ?? 'localhost' },
    agent: false,
    signal: AbortSignal.timeout(probeTimeoutMs),
  };
  return new Promise((resolve) => {
    const request = secure
      ? requestHttps({ ...options, servername: 'localhost', rejectUnauthorized: false })
      : requestHttp(options);
    request.on('response', (response) => {
      response.resume();
      response.on('error', () => resolve(0));
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', () => resolve(0));
    request.end();
  });
}

export interface Negotiated {
  /** `h2`; `false` without one. */
  readonly protocol: string | false | null;
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
}

/** What a client that offers HTTP/2 and HTTP/1.1 gets. */
export function negotiate(port: number): Promise<Negotiated> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    socket.setTimeout(probeTimeoutMs, () => socket.destroy(new Error('no TLS handshake')));
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      const cipher = `${socket.getProtocol()} ${socket.getCipher().name}`;
      resolve({ protocol: socket.alpnProtocol, cipher });
      socket.destroy();
    });
  });
}
