import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { codeOf, MeridianError, messageOf } from '../base/errors.ts';

export interface ExchangeRequest {
  readonly method: string;
  readonly url: URL;
  /** Where to connect, whatever the URL says. */
  readonly address: string;
  readonly port: number;
  /** The file of the authority to trust. */
  readonly authority: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string[]>>;
  readonly data: string | undefined;
  /** For the response to begin. */
  readonly timeoutSeconds: number;
}

export interface Response {
  readonly message: IncomingMessage;
  readonly tookMs: number;
}

/**
 * Sends one request on a connection of its own.
 *
 * @throws MeridianError `request_failed` that names the address and what is wrong there.
 */
export async function exchange(sent: ExchangeRequest): Promise<Response> {
  const { url, address, port, data, timeoutSeconds } = sent;
  const isTls = url.protocol === 'https:';
  const { request } = isTls ? await import('node:https') : await import('node:http');
  const startMs = performance.now();
  const abort = new AbortController();
  const limit = setTimeout(() => abort.abort(), timeoutSeconds * 1_000);
  return new Promise((resolve, reject) => {
    const asked = request({
      host: address,
      port,
      method: sent.method,
      path: url.pathname + url.search,
      headers: headersOf(sent),
      agent: false,
      signal: abort.signal,
      ...(isTls && {
        ca: readFileSync(sent.authority),
        ...(isIP(url.hostname) === 0 && { servername: url.hostname }),
      }),
    });
    asked.on('error', (cause) => {
      clearTimeout(limit);
      const why = abort.signal.aborted
        ? `no response within ${timeoutSeconds} s`
        : explainFailure(cause, isTls);
      reject(new MeridianError('request_failed', `${address}:${port}: ${why}`, { cause }));
    });
    asked.on('response', (message) => {
      clearTimeout(limit);
      resolve({ message, tookMs: performance.now() - startMs });
    });
    asked.end(data);
  });
}

/**
 * The body, part by part.
 *
 * @throws MeridianError `response_cut` when the connection ends before it does.
 */
export async function* bodyOf(message: IncomingMessage): AsyncGenerator<string> {
  let characters = 0;
  try {
    for await (const part of message.setEncoding('utf8')) {
      characters += part.length;
      yield part;
    }
  } catch (cause) {
    throw new MeridianError(
      'response_cut',
      `the connection ended in the middle of the response, after ${characters} characters of its body`,
      { cause },
    );
  }
}

/** What the user gives goes before what we would. */
function headersOf({ url, data, headers }: ExchangeRequest): Record<string, string | string[]> {
  return {
    host: url.host,
    'user-agent': 'meridian',
    ...(data !== undefined && isJson(data) && { 'content-type': 'application/json' }),
    ...(data !== undefined && { 'content-length': String(Buffer.byteLength(data)) }),
    ...Object.fromEntries(
      Object.entries(headers).map(([name, values]) => [
        name,
        values.length === 1 ? values[0]! : values, // Node takes no list for Host.
      ]),
    ),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The port for HTTP answers a TLS greeting with text; the one for HTTPS hangs up on text. */
function explainFailure(cause: Error, isTls: boolean): string {
  const code = codeOf(cause) ?? '';
  if (isTls && (code === 'EPROTO' || code.startsWith('ERR_SSL_'))) {
    return 'does not speak TLS; is it the port for HTTP? Then ask for http://';
  }
  if (code === 'ECONNRESET') {
    const hint = isTls ? '' : '; is it the port for HTTPS? Then ask for https://';
    return `closed the connection without a response${hint}`;
  }
  if (code === 'ECONNREFUSED') return 'nobody listens there';
  return messageOf(cause);
}
