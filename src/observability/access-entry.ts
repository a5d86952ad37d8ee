/** One answered request, as the access log keeps it. */
export interface AccessEntry {
  /** When the head had been read: milliseconds since 1970. */
  readonly timeMs: number;
  readonly requestId: string;
  /** 32 hex digits (W3C Trace Context). */
  readonly traceId: string;
  /** Address of the client; of the original one where the request was relayed to us. */
  readonly client: string;
  /** Version of HTTP: `1.1`. */
  readonly version: string;
  readonly listener: string;
  readonly method: string;
  readonly host: string;
  /** Without the query, which may hold tokens. */
  readonly path: string;
  /** Name of the route, or `undefined`: none matched. */
  readonly route: string | undefined;
  readonly service: string | undefined;
  /** The region whose service answered. */
  readonly region: string | undefined;
  /** `host:port` of the endpoint, or the region relayed to. */
  readonly upstream: string | undefined;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  /** How many gateways the request had passed before this one: 0, or 1 when relayed to us. */
  readonly hop: number;
  /** Further attempts after the first. */
  readonly retries: number;
  /** Code of the error that the gateway answered with. */
  readonly error: string | undefined;
}

/** One line of JSON, without a line end. Absent facts are left out. */
export function formatAccessEntry(entry: AccessEntry): string {
  return (
    `{"time":"${new Date(entry.timeMs).toISOString()}"` +
    `,"requestId":${quote(entry.requestId)},"traceId":${quote(entry.traceId)}` +
    `,"client":${quote(entry.client)},"listener":${quote(entry.listener)}` +
    `,"version":${quote(entry.version)},"method":${quote(entry.method)}` +
    `,"host":${quote(entry.host)},"path":${quote(withoutQuery(entry.path))}` +
    optional('route', entry.route) +
    optional('service', entry.service) +
    optional('region', entry.region) +
    optional('upstream', entry.upstream) +
    `,"status":${entry.status},"bytesIn":${entry.bytesIn},"bytesOut":${entry.bytesOut}` +
    `,"durationMs":${roundToMicroseconds(entry.durationMs)}` +
    `,"hop":${entry.hop},"retries":${entry.retries}${optional('error', entry.error)}}`
  );
}

function optional(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${quote(value)}`;
}

/** All that JSON must escape, and all that is not printable ASCII, goes the slow way. */
const needsEscape = /[^\x20-\x7e]|["\\]/;

function quote(text: string): string {
  return needsEscape.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Whatever the caller passes: a query may hold tokens and never reaches the log. */
function withoutQuery(path: string): string {
  const at = path.indexOf('?');
  return at < 0 ? path : path.slice(0, at);
}

function roundToMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
