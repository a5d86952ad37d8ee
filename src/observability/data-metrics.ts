import type { Exposition, Sample } from './exposition.ts';
import { requestBoundsMs } from './histogram.ts';

/** What a data API counted since its thread was started. Plain, so that it can go to another thread. */
export interface DataApiFigures {
  readonly requests: readonly {
    readonly operation: string;
    readonly status: number;
    readonly count: number;
  }[];
  /** By operation, as `recordDuration` leaves them, by `requestBoundsMs`. */
  readonly durations: Readonly<Record<string, Float64Array>>;
  /** Of bodies. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly connections: number;
  readonly watches: number;
  /** Connections that were closed at once, by why. */
  readonly refused: Readonly<Record<'network' | 'limit', number>>;
  /** Connections that were closed since their client took nothing for long, by of what. */
  readonly stalled: Readonly<Record<'answer' | 'watch', number>>;
}

/** Buckets of replicated data as a node sees them. */
export interface DataFigures {
  readonly serving: boolean;
  readonly buckets: readonly {
    readonly name: string;
    /** `undefined`: not open here. */
    readonly writable: boolean | undefined;
    /** By region. */
    readonly lagMs: Readonly<Record<string, number>>;
    readonly lost: number;
  }[];
}

/** Nothing where the node serves no data. */
export function exposeData(exposition: Exposition, data: DataFigures | undefined): void {
  if (!data) return;
  exposition.gauge('meridian_data_serving', 'Whether the data API is served: 1 or 0.', [
    [{}, data.serving ? 1 : 0],
  ]);
  const { buckets } = data;
  exposition.gauge(
    'meridian_data_bucket_writable',
    'Whether writes to the bucket can be expected to succeed here: 1 or 0.',
    buckets.flatMap(({ name, writable }): Sample[] =>
      writable === undefined ? [] : [[{ bucket: name }, writable ? 1 : 0]],
    ),
  );
  exposition.gauge(
    'meridian_data_bucket_lag_seconds',
    'How far behind the writes of another region to an `async` bucket are seen here, at most.',
    buckets.flatMap(({ name, lagMs }) =>
      Object.entries(lagMs).map(([region, ms]): Sample => [{ bucket: name, region }, ms / 1_000]),
    ),
  );
  exposition.gauge(
    'meridian_data_bucket_lost_writes',
    'Own writes to an `async` bucket that lost to one which had not seen them, since it was made.',
    buckets.map(({ name, lost }) => [{ bucket: name }, lost]),
  );
}

/** What its thread counted. */
export function exposeDataApi(exposition: Exposition, figures: DataApiFigures | undefined): void {
  if (!figures) return;
  const name = (of: string) => `meridian_data_${of}`;
  exposition.counter(
    name('requests_total'),
    'Requests to the data API by operation and status; `other`: refused before it was known what is asked for.',
    figures.requests.map(({ operation, status, count }) => [
      { operation, status: String(status) },
      count,
    ]),
  );
  exposition.histogram(
    name('request_duration_seconds'),
    'Time from the head of a request to its answer, by operation; watches are not in it.',
    requestBoundsMs,
    Object.entries(figures.durations).map(([operation, words]) => [{ operation }, words]),
  );
  exposition.counter(name('received_bytes_total'), 'Octets of bodies of requests.', [
    [{}, figures.receivedBytes],
  ]);
  exposition.counter(name('sent_bytes_total'), 'Octets of bodies of answers, and of events.', [
    [{}, figures.sentBytes],
  ]);
  exposition.gauge(name('connections'), 'Open connections of services.', [
    [{}, figures.connections],
  ]);
  exposition.gauge(name('watches'), 'Open watches.', [[{}, figures.watches]]);
  exposition.counter(
    name('connections_refused_total'),
    'Connections closed at once: `network`, from outside of `data.clients`; `limit`, as many are open as may be.',
    Object.entries(figures.refused).map(([reason, count]) => [{ reason }, count]),
  );
  exposition.counter(
    name('connections_stalled_total'),
    'Connections closed because their client took nothing for 60 s: of an `answer`, or of a `watch`.',
    Object.entries(figures.stalled).map(([reason, count]) => [{ reason }, count]),
  );
}
