import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { HealthTable } from '../health/table.ts';
import { DnsMetrics } from '../observability/dns-metrics.ts';
import { GatewayMetrics } from '../observability/gateway-metrics.ts';
import type { Configuration } from './configuration.ts';
import { metricsLayout, servesTraffic } from './listeners.ts';
import type { ThreadData } from './thread-messages.ts';
import { KeptThread, type ThreadHandlers, type ThreadRole } from './threads.ts';

export interface DataPlaneOptions {
  readonly region: string;
  readonly configuration: Configuration;
  readonly stateDirectory: string;
  readonly health: HealthTable;
  readonly handlers: ThreadHandlers;
  readonly clock: Clock;
}

export interface ThreadStatus {
  readonly role: ThreadRole;
  readonly index: number;
  readonly serving: boolean;
}

/** The worker threads of a node, with the counters that each of them writes. */
export class DataPlane {
  readonly gatewayMetrics: readonly GatewayMetrics[];
  readonly dnsMetrics: readonly DnsMetrics[];
  readonly #threads: readonly KeptThread[];

  constructor(options: DataPlaneOptions) {
    const { config } = options.configuration;
    const serves = servesTraffic(config, options.region);
    const layout = metricsLayout(config);
    this.gatewayMetrics = Array.from(
      { length: serves ? config.threads.gateway : 1 },
      () => new GatewayMetrics(layout),
    );
    this.dnsMetrics = Array.from(
      { length: serves ? config.threads.dns : 0 },
      () => new DnsMetrics(),
    );
    const thread = (role: ThreadRole, index: number, metricsBuffer: SharedArrayBuffer) =>
      new KeptThread(role, index, dataOf(options, metricsBuffer), options.handlers, options.clock);
    this.#threads = [
      ...this.gatewayMetrics.map(({ buffer }, index) => thread('gateway', index, buffer)),
      ...this.dnsMetrics.map(({ buffer }, index) => thread('dns', index, buffer)),
    ];
  }

  /** Resolves when every thread listens. @throws what the first thread that failed threw. */
  async start(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.start()));
  }

  get threads(): readonly ThreadStatus[] {
    return this.#threads.map(({ role, index, serving }) => ({ role, index, serving }));
  }

  drain(): void {
    for (const thread of this.#threads) if (thread.role === 'gateway') thread.drain();
  }

  reopenLogs(): void {
    for (const thread of this.#threads) thread.reopenLogs();
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

function dataOf(options: DataPlaneOptions, metricsBuffer: SharedArrayBuffer): ThreadData {
  const { config, sequence, material } = options.configuration;
  return {
    config,
    region: options.region,
    sequence,
    healthBuffer: options.health.buffer,
    metricsBuffer,
    material,
    accessLogPath: config.accessLog ? join(options.stateDirectory, 'access.log') : undefined,
  };
}
