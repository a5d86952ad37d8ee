import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { ListenOptions } from '../../src/gateway/listener/listener-options.ts';
import type { TlsSettings } from '../../src/gateway/listener/tls-settings.ts';
import type { Authority } from '../../src/link/authority.ts';
import { oneRegion, revisionOf, type StartOptions, startGateway } from './gateways.ts';
import { RawClient, type SeenResponse } from './raw-client.ts';
import { RawOrigin } from './raw-origin.ts';

export const host = '127.0.0.1';

/** A gateway with one listener over TLS, `https`, unless told otherwise, before an origin. */
export async function tlsWorld(
  authority: Authority,
  tls: TlsSettings,
  options: Omit<StartOptions, 'config'> = {},
) {
  const origin = await RawOrigin.listen();
  const config = oneRegion(origin.port);
  const listen: ListenOptions = { https: { host, port: 0, tls } };
  const started = await startGateway({ config, listen, ...options });
  const { gateway } = started;
  return {
    ...started,
    origin,
    get port() {
      return gateway.ports.https!;
    },
    swap: async (next: ListenOptions) =>
      void (await gateway.prepare(revisionOf({ config, listen: next }))).commit(),
    /** `servername`: '' for none. */
    client: (servername: string, more: ConnectionOptions = {}) =>
      RawClient.connectTls({
        ...clientOptions(authority),
        port: gateway.ports.https!,
        servername,
        ...more,
      }),
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await origin.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

export type TlsWorld = Awaited<ReturnType<typeof tlsWorld>>;

/** The certificate is looked at by the test, not by the client. */
function clientOptions({ cert }: Authority): ConnectionOptions {
  return { host, ca: cert, checkServerIdentity: () => undefined };
}

/** Names of the certificate that was shown. */
export function shownNames(client: RawClient): string {
  return (client.socket as TLSSocket).getPeerCertificate().subjectaltname ?? '';
}

export function get(client: RawClient, authority: string): Promise<SeenResponse> {
  return client.request(`GET / HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
}

/** How a handshake that is to fail ends: the code of its error, or `closed`, also where it succeeds. */
export async function handshakeFailure(options: ConnectionOptions): Promise<string> {
  const socket = connect({ host, rejectUnauthorized: false, ...options });
  socket.resume();
  socket.on('secureConnect', () => socket.end());
  let failure = 'closed';
  socket.on('error', (error: Error & { code?: string }) => {
    failure = error.code ?? error.message;
  });
  await new Promise((resolve) => socket.on('close', resolve));
  return failure;
}

/** A session that was made with these options, ready to be resumed. */
export async function sessionOf(client: RawClient, authority: string): Promise<Buffer> {
  const socket = client.socket as TLSSocket;
  const ticket = once(socket, 'session');
  await get(client, authority);
  if (socket.getProtocol() === 'TLSv1.2') return socket.getSession()!;
  const [session] = (await ticket) as [Buffer];
  return session;
}

export function isResumed(client: RawClient): boolean {
  return (client.socket as TLSSocket).isSessionReused();
}
