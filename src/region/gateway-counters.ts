import { GatewayMetrics, type GatewayMetricsLayout } from '../observability/gateway-metrics.ts';

interface ThreadCounters {
  /** What requests that begin now are counted in. */
  current: GatewayMetrics;
  /** By generation: those of requests that began under an earlier layout. */
  readonly retired: Map<number, GatewayMetrics>;
  /** What threads and layouts before have counted. */
  ledger: GatewayMetrics;
}

/**
 * The counters of the gateway threads over revisions. A revision with other routes or
 * regions has counters of another layout; the old ones are written to until the last
 * request of the old revision has ended, then their sums move to the ledger:
 *
 *   thread ──▶ current ──new layout──▶ retired ──drained──▶ ledger      (counters never fall)
 */
export class GatewayCounters {
  #layout: GatewayMetricsLayout;
  readonly #threads: readonly ThreadCounters[];

  constructor(threads: number, layout: GatewayMetricsLayout) {
    this.#layout = layout;
    this.#threads = Array.from({ length: threads }, () => ({
      current: new GatewayMetrics(layout),
      retired: new Map(),
      ledger: new GatewayMetrics(layout),
    }));
  }

  /** The counters for a layout, one per thread: the present ones where it is the same. */
  for(layout: GatewayMetricsLayout): readonly GatewayMetrics[] {
    const kept = isSame(layout, this.#layout);
    return this.#threads.map(({ current }) => (kept ? current : new GatewayMetrics(layout)));
  }

  /** The threads count in these from now on, but for the requests of `generation`, which ends. */
  replace(counters: readonly GatewayMetrics[], generation: number): void {
    for (const [index, thread] of this.#threads.entries()) {
      const next = counters[index]!;
      if (next === thread.current) continue;
      thread.retired.set(generation, thread.current);
      thread.current = next;
      const { ledger } = thread;
      thread.ledger = new GatewayMetrics(next.layout);
      thread.ledger.absorb(ledger);
      this.#layout = next.layout;
    }
  }

  /** The last request of a generation has ended on a thread. */
  drained(index: number, generation: number): void {
    const thread = this.#threads[index];
    const retired = thread?.retired.get(generation);
    if (!thread || !retired) return;
    thread.retired.delete(generation);
    thread.ledger.absorb(retired);
  }

  /** A thread ended, and its connections with it; nothing writes to what it counted in. */
  threadEnded(index: number): void {
    const thread = this.#threads[index];
    if (!thread) return;
    for (const generation of thread.retired.keys()) this.drained(index, generation);
    thread.ledger.closeConnections();
    thread.current.closeConnections();
  }

  /** The sums of all threads in the present layout. */
  total(): GatewayMetrics {
    const total = new GatewayMetrics(this.#layout);
    for (const { current, retired, ledger } of this.#threads) {
      for (const counted of [current, ledger, ...retired.values()]) total.absorb(counted);
    }
    return total;
  }
}

function isSame(a: GatewayMetricsLayout, b: GatewayMetricsLayout): boolean {
  return isSameList(a.routes, b.routes) && isSameList(a.regions, b.regions);
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
