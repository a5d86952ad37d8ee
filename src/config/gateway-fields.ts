/** About one connection only (RFC 9110 §7.6.1), or made anew for each message. */
export const connectionFields: readonly string[] = [
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
];

/** Besides, of a request: the gateway writes its own into each that it sends. */
export const requestFields: readonly string[] = ['host', 'expect', 'traceparent', 'x-request-id'];

/** What the gateway writes by itself into messages, not for policies to change: names and prefixes. */
export const gatewayFields: readonly string[] = [
  ...connectionFields,
  ...requestFields,
  'forwarded',
  'via',
];
export const gatewayFieldPrefixes: readonly string[] = ['meridian-', 'x-forwarded-'];
