import type { Clock } from '../base/clock.ts';
import type { HealthTable } from '../health/table.ts';
import type { DeadlineWheel } from './deadline-wheel.ts';
import type { GatewayLimits } from './limits.ts';
import type { RandomHex } from './random-hex.ts';
import type { Snapshot } from './snapshot.ts';

export type ListenerName = 'http' | 'https' | 'link';

/** What a gateway thread counts. `GatewayMetrics` satisfies it. */
export interface RequestMetrics {
  /** `routeIndex` -1: no route. */
  request(routeIndex: number, status: number, durationMs: number): void;
  connectionOpened(listener: ListenerName): void;
  connectionClosed(listener: ListenerName): void;
  /** A connection was refused or closed for want of room. */
  connectionShed?(): void;
  bytesIn(bytes: number): void;
  bytesOut(bytes: number): void;
  relayed(regionIndex: number): void;
  retried(): void;
  ejected(): void;
  upstreamFailure(): void;
}

/** Takes one JSON line per request. `AccessLog` satisfies it. */
export interface LineLog {
  write(line: string): void;
}

/** What every connection and request of one gateway thread shares. */
export interface Runtime {
  readonly snapshot: Snapshot;
  readonly health: HealthTable;
  readonly limits: GatewayLimits;
  readonly wheel: DeadlineWheel;
  readonly random: RandomHex;
  readonly clock: Clock;
  readonly metrics: RequestMetrics;
  readonly accessLog: LineLog | undefined;
  /** Set by `drain`: every answer closes its connection. */
  draining: boolean;
}
