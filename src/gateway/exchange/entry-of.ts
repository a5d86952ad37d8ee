import type { AccessEntry } from '../../observability/access-entry.ts';
import type { Exchange } from './exchange.ts';
import type { ConnectionOrigin } from './forwarding.ts';
import { type ProblemCode, problems } from './problems.ts';

/** What the access log keeps of a request that has ended. */
export function accessEntryOf(exchange: Exchange, durationMs: number): AccessEntry {
  const { client, head, identity, routeName, backend, target, runtime, generation, problemCode } =
    exchange;
  const peer = target?.kind === 'relay' ? target.to.regionName : undefined;
  const endpoint = target?.kind === 'endpoint' ? target.endpoint : undefined;
  return {
    timeMs: runtime.clock.wallMs() - durationMs,
    requestId: identity.requestId,
    traceId: identity.traceId,
    client: identity.clientAddress,
    listener: client.origin.listener,
    version: head.version,
    method: head.method,
    host: head.host,
    path: exchange.path === '' ? head.path : exchange.path,
    route: routeName,
    service: backend?.service.name,
    region: problemCode !== undefined || !target ? undefined : (peer ?? generation.regionName),
    upstream: endpoint ? `${endpoint.host}:${endpoint.port}` : peer,
    status: exchange.status,
    bytesIn: exchange.receivedBytes,
    bytesOut: exchange.sentBytes,
    durationMs,
    hop: exchange.relayed ? 1 : 0,
    retries: Math.max(0, exchange.attempts - 1),
    error: problemCode,
  };
}

/** What it keeps of input that was no request. */
export function refusalEntry(
  { address: client, listener }: ConnectionOrigin,
  code: ProblemCode,
  requestId: string,
  timeMs: number,
): AccessEntry {
  return {
    timeMs,
    requestId,
    traceId: requestId,
    client,
    listener,
    version: '-',
    method: '-',
    host: '-',
    path: '-',
    route: undefined,
    service: undefined,
    region: undefined,
    upstream: undefined,
    status: problems[code].status,
    bytesIn: 0,
    bytesOut: 0,
    durationMs: 0,
    hop: 0,
    retries: 0,
    error: code,
  };
}
