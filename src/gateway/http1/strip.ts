/**
 * Which fields end at the gateway. A name is compared in lower case and with `_` as `-`:
 * servers that turn names into variables (CGI, WSGI) cannot tell the two apart, so
 * `X_Forwarded_For` forges as well as `X-Forwarded-For`.
 */

/** About one connection only (RFC 9110 §7.6.1), or made anew for each message we send. */
const connectionFields = new Set([
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Of a request, whoever sent it: the gateway writes its own into each that it sends. */
const requestFields = new Set(['host', 'expect', 'traceparent', 'x-request-id']);

/** Who is behind a request: believed from another region's gateway, forged from anyone else. */
const forwardingFields = new Set(['forwarded', 'x-real-ip', 'x-client-ip', 'true-client-ip']);

function folded(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes('_') ? lower.replaceAll('_', '-') : lower;
}

/** `connection` are the options of the message's Connection field, in lower case. */
export function isRequestFieldStripped(
  name: string,
  connection: readonly string[],
  from: 'outside' | 'link',
): boolean {
  const key = folded(name);
  if (connectionFields.has(key) || requestFields.has(key) || key.startsWith('meridian-'))
    return true;
  if (from === 'outside' && (key.startsWith('x-forwarded-') || forwardingFields.has(key)))
    return true;
  return connection.length > 0 && connection.includes(name.toLowerCase());
}

export function isResponseFieldStripped(
  name: string,
  connection: readonly string[],
  fromPeer: boolean,
): boolean {
  const key = folded(name);
  if (connectionFields.has(key) || key === 'x-request-id') return true;
  if (key.startsWith('meridian-')) return !fromPeer || key !== 'meridian-region';
  return connection.length > 0 && connection.includes(name.toLowerCase());
}

/** Besides those above, fields that mean something only before the content (RFC 9110 §6.5.1). */
const notAsTrailer = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expires',
  'location',
  'max-forwards',
  'pragma',
  'range',
  'retry-after',
  'set-cookie',
  'vary',
  'via',
  'warning',
  'www-authenticate',
]);

export function isTrailerStripped(name: string): boolean {
  const key = folded(name);
  return (
    notAsTrailer.has(key) ||
    isRequestFieldStripped(name, [], 'outside') ||
    key.startsWith('access-control-') ||
    key.startsWith('if-')
  );
}
