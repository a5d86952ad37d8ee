import type { BoundsMs } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

/** The words of one histogram as `recordDuration` leaves them. */
export type HistogramSeries = readonly [labels: Labels, words: Float64Array];

export const expositionContentType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Builds Prometheus' text format 0.0.4. Families without samples are left out. Base
 * units only (seconds, bytes); names of counters end in `_total`.
 */
export class Exposition {
  readonly #parts: string[] = [];

  counter(name: string, help: string, samples: readonly Sample[]): void {
    this.#family(name, 'counter', help, samples);
  }

  gauge(name: string, help: string, samples: readonly Sample[]): void {
    this.#family(name, 'gauge', help, samples);
  }

  /** Durations kept in milliseconds come out in seconds. */
  histogram(
    name: string,
    help: string,
    bounds: BoundsMs,
    series: readonly HistogramSeries[],
  ): void {
    if (series.length === 0) return;
    this.#head(name, 'histogram', help);
    for (const [labels, words] of series) this.#series(name, labels, bounds, words);
  }

  text(): string {
    return this.#parts.join('');
  }

  #family(name: string, type: string, help: string, samples: readonly Sample[]): void {
    if (samples.length === 0) return;
    this.#head(name, type, help);
    for (const [labels, value] of samples) this.#line(name, formatLabels(labels), value);
  }

  #series(name: string, labels: Labels, bounds: BoundsMs, words: Float64Array): void {
    let cumulative = 0;
    for (let bucket = 0; bucket <= bounds.length; bucket++) {
      cumulative += words[1 + bucket] ?? 0;
      const bound = bounds[bucket];
      const le = bound === undefined ? '+Inf' : String(bound / 1_000);
      this.#line(`${name}_bucket`, formatLabels({ ...labels, le }), cumulative);
    }
    const sumMs = words[0] ?? 0;
    this.#line(`${name}_sum`, formatLabels(labels), sumMs / 1_000);
    this.#line(`${name}_count`, formatLabels(labels), cumulative);
  }

  #head(name: string, type: string, help: string): void {
    this.#parts.push(`# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`);
  }

  #line(name: string, labels: string, value: number): void {
    this.#parts.push(`${name}${labels} ${formatValue(value)}\n`);
  }
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
