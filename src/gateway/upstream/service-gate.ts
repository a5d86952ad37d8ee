import type { Clock } from '../../base/clock.ts';
import type { ServiceInfo } from '../../config/topology.ts';
import type { Admission, EndpointTable, Outcome } from '../../health/endpoint-table.ts';
import type { HealthTable } from '../../health/table.ts';
import type { DeadlineWheel } from '../deadline-wheel.ts';
import { ConcurrencyLimit } from '../resilience/concurrency-limit.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import type { EndpointLoads } from './balancing/balancer.ts';
import type { Balancing } from './balancing/create-balancing.ts';

export interface ServiceGateOptions {
  readonly service: ServiceInfo;
  readonly ownRegion: number;
  /** Whether `concurrency` holds here. */
  readonly isLimited: boolean;
  readonly health: HealthTable;
  readonly balancing: Balancing;
  /** Index of the gateway thread in the node, and how many there are. */
  readonly thread: number;
  readonly threads: number;
  readonly wheel: DeadlineWheel;
  readonly clock: Clock;
}

/** Latency is averaged over this where the service is not balanced by it. */
const usualDecayMs = 10_000;

/**
 * What one thread holds of a service, for all routes of a generation: who may be sent there,
 * and what is known of its endpoints, which the other threads know as well.
 */
export class ServiceGate implements EndpointLoads {
  readonly service: ServiceInfo;
  readonly balancing: Balancing;
  readonly budget: RetryBudget;
  readonly limit: ConcurrencyLimit | undefined;
  readonly #endpoints: EndpointTable;
  readonly #siblings: readonly number[];
  readonly #thread: number;
  readonly #clock: Clock;
  /** `undefined`: nobody asks for latencies, so none are kept. */
  readonly #decayMs: number | undefined;

  constructor({
    service,
    ownRegion,
    isLimited,
    health,
    balancing,
    thread,
    threads,
    wheel,
    clock,
  }: ServiceGateOptions) {
    const { retries, concurrency, balancing: settings } = service.config;
    this.service = service;
    this.balancing = balancing;
    this.budget = new RetryBudget(retries.budget, Math.ceil(retries.minimum / threads));
    this.#endpoints = health.endpoints;
    this.#siblings = service.endpoints[ownRegion]!.map(({ index }) => index);
    this.#thread = thread;
    this.#clock = clock;
    this.#decayMs = settings.type === 'peakEwma' ? settings.decay : undefined;
    const slots = {
      take: (maximum: number) => health.slots.take(service.index, thread, maximum),
      give: () => health.slots.give(service.index, thread),
      setWaiting: (count: number) => health.slots.setWaiting(service.index, thread, count),
      owes: (maximum: number) => health.slots.owes(service.index, thread, maximum),
    };
    // What the endpoints of one region can take says nothing of what passes an edge.
    this.limit =
      concurrency &&
      (isLimited || undefined) &&
      new ConcurrencyLimit(
        slots,
        {
          maximum: concurrency.maximum,
          queue: concurrency.queue,
          queueTimeoutMs: concurrency.queueTimeout,
        },
        wheel,
      );
  }

  // ── What balancers look at ───────────────────────────────────────────────────────────

  inFlight(endpoint: number): number {
    return this.#endpoints.inFlight(endpoint);
  }

  latencyMs(endpoint: number): number {
    const decayMs = this.#decayMs ?? usualDecayMs;
    return this.#endpoints.latencyMs(endpoint, decayMs, this.#clock.monotonicMs());
  }

  ejected(endpoint: number): boolean {
    return this.#endpoints.ejected(endpoint, this.service.config.ejection.trials);
  }

  admittedForMs(endpoint: number): number {
    return this.#endpoints.admittedForMs(endpoint, this.#clock.monotonicMs());
  }

  // ── An attempt ───────────────────────────────────────────────────────────────────────

  begin(endpoint: number, lastResort: boolean): Admission {
    const { trials } = this.service.config.ejection;
    return this.#endpoints.begin(endpoint, this.#thread, trials, lastResort);
  }

  /** Returns true when it ejected the endpoint. */
  settle(endpoint: number, admission: Admission, outcome: Outcome, startedMs: number): boolean {
    const { ejection } = this.service.config;
    if (outcome === 'success' && admission === 'admitted' && this.#decayMs === undefined) {
      // What nearly every request does: no clock is read.
      this.#endpoints.succeeded(endpoint, ejection);
      return false;
    }
    const nowMs = this.#clock.monotonicMs();
    if (outcome === 'success' && this.#decayMs !== undefined) {
      this.#endpoints.recordLatency(endpoint, nowMs - startedMs, this.#decayMs, nowMs);
    }
    return this.#endpoints.settle(endpoint, admission, outcome, this.#siblings, ejection, nowMs);
  }

  release(endpoint: number): void {
    this.#endpoints.release(endpoint, this.#thread);
  }
}
