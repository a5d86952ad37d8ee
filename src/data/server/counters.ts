import type { DataApiFigures } from '../../observability/data-metrics.ts';
import { histogramWidth, recordDuration, requestBoundsMs } from '../../observability/histogram.ts';
import type { OperationId } from './operations.ts';

/** `other`: refused before it was known what is asked for. */
type Counted = OperationId | 'other';

/** What the data API counts, of its own thread. */
export class DataApiCounters {
  readonly #requests = new Map<Counted, Map<number, number>>();
  readonly #durations = new Map<Counted, Float64Array>();
  receivedBytes = 0;
  sentBytes = 0;
  refusedNetwork = 0;
  refusedLimit = 0;
  stalledAnswers = 0;
  stalledWatches = 0;

  /** Watches have no duration that would say something. */
  request(operation: Counted, status: number, durationMs?: number): void {
    const byStatus = this.#requests.get(operation) ?? new Map<number, number>();
    this.#requests.set(operation, byStatus);
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
    if (durationMs === undefined) return;
    let words = this.#durations.get(operation);
    if (!words) {
      words = new Float64Array(histogramWidth(requestBoundsMs));
      this.#durations.set(operation, words);
    }
    recordDuration(words, 0, requestBoundsMs, durationMs);
  }

  figures(connections: number, watches: number): DataApiFigures {
    const { receivedBytes, sentBytes } = this;
    return {
      requests: [...this.#requests].flatMap(([operation, byStatus]) =>
        [...byStatus].map(([status, count]) => ({ operation, status, count })),
      ),
      durations: Object.fromEntries(
        [...this.#durations].map(([operation, words]) => [operation, words.slice()]),
      ),
      receivedBytes,
      sentBytes,
      connections,
      watches,
      refused: { network: this.refusedNetwork, limit: this.refusedLimit },
      stalled: { answer: this.stalledAnswers, watch: this.stalledWatches },
    };
  }
}
