import type { Clock } from '../base/clock.ts';
import type { HttpVersion, RequestFigures } from '../observability/gateway-metrics.ts';
import type { ReportSink } from './beacon/beacon.ts';
import type { SharedReads } from './client/shared-reads.ts';
import type { DeadlineWheel } from './deadline-wheel.ts';
import type { Generation } from './generation.ts';
import type { GatewayLimits } from './limits.ts';
import type { RefusedConnection } from './listener/listener.ts';
import type { RandomHex } from './random-hex.ts';
import type { LagMeter } from './resilience/shedding.ts';
import type { StalledResponses } from './resilience/stalled-responses.ts';

/**
 * What a gateway thread counts. `GatewayMetrics` satisfies it. Across a swap, what belongs
 * to a request is counted where the request began; connections and the bytes that they
 * bring, where the thread counts at that moment. So the counters of a revision rest once
 * its last request has ended, and only the sum over revisions tells how many are open.
 */
export interface RequestMetrics {
  request(figures: RequestFigures): void;
  /** Asked in that version of HTTP. */
  asked(version: HttpVersion): void;
  /** Answered by the gateway with that problem. */
  refused(code: string): void;
  /** The head of a response came from an endpoint. */
  response(endpointIndex: number, status: number, latencyMs: number): void;
  /** An attempt failed at an endpoint; -1: at another region. */
  failure(endpointIndex: number, kind: string): void;
  ejected(endpointIndex: number): void;
  retried(serviceIndex: number): void;
  /** It would have been, but for the bound on attempts or the budget. */
  retryWithheld(serviceIndex: number, reason: 'attempts' | 'budget'): void;
  relayed(regionIndex: number): void;
  connectionOpened(listener: string): void;
  connectionClosed(listener: string): void;
  /** A connection was refused or closed for want of room. */
  connectionShed(): void;
  /** The gateway ended a connection because of a limit. */
  connectionEnded(cause: string): void;
  /** A connection ended before it could carry a request. */
  connectionRefused(listener: string, why: RefusedConnection): void;
  bytesIn(bytes: number): void;
  bytesOut(bytes: number): void;
}

/** Takes one JSON line per request. `AccessLog` satisfies it. */
export interface LineLog {
  write(line: string): void;
}

/** What every connection and request of one gateway thread shares. */
export interface Runtime {
  /** What new requests are served by. Replaced by a swap: a request keeps the one it began with. */
  generation: Generation;
  /** Replaced by a swap; what a connection waits for already goes by the ones before. */
  limits: GatewayLimits;
  readonly wheel: DeadlineWheel;
  readonly random: RandomHex;
  readonly clock: Clock;
  readonly lag: LagMeter;
  readonly reads: SharedReads;
  readonly stalled: StalledResponses;
  /** Takes what browsers measure. */
  readonly reports: ReportSink;
  /** Replaced by a swap. */
  accessLog: LineLog | undefined;
  /** Set by `drain`: every answer closes its connection. */
  draining: boolean;
}
