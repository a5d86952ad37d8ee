import { type GatewayMetricsLayout, isSameLayout } from '../../observability/gateway-layout.ts';
import { GatewayMetrics, type Traffic } from '../../observability/gateway-metrics.ts';

/** Counters of an earlier layout, and the generations whose requests are counted in them. */
interface Retired {
  readonly counters: GatewayMetrics;
  readonly first: number;
  readonly last: number;
}

interface ThreadCounters {
  /** What requests that begin now are counted in. */
  current: GatewayMetrics;
  /** The first generation that they belong to. */
  first: number;
  /** Generations that have ended and still have requests. */
  readonly leaving: Set<number>;
  readonly retired: Set<Retired>;
  /** What threads and layouts before have counted. */
  ledger: GatewayMetrics;
}

/**
 * The counters of the gateway threads over revisions. A revision with other routes or
 * regions has counters of another layout; the old ones are written to until the last
 * request of every revision with the old layout has ended, then their sums move to the ledger:
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
      first: 0,
      leaving: new Set(),
      retired: new Set(),
      ledger: new GatewayMetrics(layout),
    }));
  }

  /** The counters for a layout, one per thread: the present ones where it is the same. */
  for(layout: GatewayMetricsLayout): readonly GatewayMetrics[] {
    const kept = isSameLayout(layout, this.#layout);
    return this.#threads.map(({ current }) => (kept ? current : new GatewayMetrics(layout)));
  }

  /** The threads count in these from now on, but for the requests of `generation`, which ends. */
  replace(counters: readonly GatewayMetrics[], generation: number): void {
    for (const [index, thread] of this.#threads.entries()) {
      const next = counters[index]!;
      thread.leaving.add(generation);
      if (next === thread.current) continue;
      const { current, first } = thread;
      thread.retired.add({ counters: current, first, last: generation });
      thread.current = next;
      thread.first = generation + 1;
      const { ledger } = thread;
      thread.ledger = new GatewayMetrics(next.layout);
      thread.ledger.absorb(ledger);
      this.#layout = next.layout;
    }
  }

  /** The last request of a generation has ended on a thread. */
  drained(index: number, generation: number): void {
    const thread = this.#threads[index];
    thread?.leaving.delete(generation);
    if (thread) settle(thread);
  }

  /** A thread ended, and its connections with it; nothing writes to what it counted in. */
  threadEnded(index: number): void {
    const thread = this.#threads[index];
    if (!thread) return;
    thread.leaving.clear();
    settle(thread);
    thread.ledger.closeConnections();
    thread.current.closeConnections();
  }

  /** The sums of all threads in the present layout. With 10,000 routes a matter of milliseconds. */
  total(): GatewayMetrics {
    const total = new GatewayMetrics(this.#layout);
    for (const counters of this.#all()) total.absorb(counters);
    return total;
  }

  /** That of `total`, at once. */
  traffic(): Traffic {
    let requests = 0;
    let failed = 0;
    for (const counters of this.#all()) {
      const counted = counters.traffic();
      requests += counted.requests;
      failed += counted.failed;
    }
    return { requests, failed };
  }

  *#all(): Iterable<GatewayMetrics> {
    for (const { current, retired, ledger } of this.#threads) {
      yield current;
      yield ledger;
      for (const { counters } of retired) yield counters;
    }
  }
}

/** Moves to the ledger what nobody writes to any more. */
function settle({ retired, leaving, ledger }: ThreadCounters): void {
  for (const entry of retired) {
    const { counters, first, last } = entry;
    if ([...leaving].some((generation) => generation >= first && generation <= last)) continue;
    retired.delete(entry);
    ledger.absorb(counters);
  }
}
