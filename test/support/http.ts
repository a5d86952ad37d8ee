import { request } from 'node:http';

export interface Answer {
  readonly status: number;
  /** Region whose service answered. */
  readonly region: string | undefined;
  readonly requestId: string | undefined;
  readonly body: string;
}

export interface GetOptions {
  readonly address: string;
  readonly port?: number;
  readonly host: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
}

/** One request on a connection of its own, sent to `address` whatever `host` resolves to. */
export function send(options: GetOptions): Promise<Answer> {
  const { address, port = 8080, host, path, method = 'GET', timeoutMs = 15_000 } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: address,
        port,
        path,
        method,
        headers: { Host: host, ...options.headers },
        agent: false,
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            region: first(response.headers['meridian-region']),
            requestId: first(response.headers['x-request-id']),
            body: Buffer.concat(parts).toString(),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

function first(field: string | string[] | undefined): string | undefined {
  return Array.isArray(field) ? field[0] : field;
}
