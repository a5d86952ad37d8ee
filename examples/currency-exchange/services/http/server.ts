import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Open requests get this long when the server closes. */
const graceMs = 3_000;

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on `port` (0: any free one). Throws the system's error when it cannot. */
export async function listen(
  host: string,
  port: number,
  listener: RequestListener,
): Promise<HttpServer> {
  const limits = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 75_000 };
  const server = createServer(limits, listener);
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close(); // idle connections at once, the others after their request
      const hurry = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(hurry);
    },
  };
}
