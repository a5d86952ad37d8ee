import type { OwnAnswer } from '../exchange/answers.ts';
import type { ConnectionOrigin } from '../exchange/forwarding.ts';
import type { RequestHead } from '../http1/request-parser.ts';

const defaultPort = 443;

/**
 * What a listener that serves nothing itself answers: the same place over TLS, with the same
 * method (308, RFC 9110 section 15.4.9); `undefined`: it serves. `bad_host`: a client of
 * HTTP/1.0 that names no host cannot be sent anywhere.
 *
 * @param path canonical; it and the query hold no character that ends a field
 */
export function listenerRedirect(
  { entrance }: ConnectionOrigin,
  { host, query }: Pick<RequestHead, 'host' | 'query'>,
  path: string,
): OwnAnswer | 'bad_host' | undefined {
  const { redirect } = entrance;
  if (redirect === undefined) return undefined;
  if (host === '') return 'bad_host';
  const port = redirect.port === defaultPort ? '' : `:${redirect.port}`;
  return {
    status: 308,
    contentType: 'text/plain',
    body: '',
    fields: `Location: https://${host}${port}${path}${query}\r\n`,
  };
}
