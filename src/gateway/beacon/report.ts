/** What one browser measured: region and milliseconds. */
export type Latencies = readonly (readonly [region: string, ms: number])[];

export interface ReportBounds {
  /** Names of the regions that are measured. */
  readonly regions: ReadonlySet<string>;
  readonly mostMs: number;
}

/** What a report may have, in bytes. */
export const mostReportBytes = 4_096;

/** Finer than what browsers tell. */
const leastMs = 0.05;

/** Why a report is not taken, for metrics. */
export const reportRefusals = [
  'origin',
  'too_large',
  'format',
  'region',
  'implausible',
  'incomplete',
] as const;
export type ReportRefusal = (typeof reportRefusals)[number];

/**
 * Reads a report, which anybody may have written:
 *
 *   { "version": 1, "milliseconds": { "eu-west-1": 23.4, "us-east-1": 98 } }
 *
 * It tells of two regions or more: by one alone none could be preferred.
 */
export function parseReport(content: Buffer, bounds: ReportBounds): Latencies | ReportRefusal {
  const milliseconds = millisecondsOf(content);
  if (!milliseconds) return 'format';
  const entries = Object.entries(milliseconds);
  const latencies: [string, number][] = [];
  for (const [region, ms] of entries) {
    if (!bounds.regions.has(region)) return 'region';
    if (typeof ms !== 'number') return 'format';
    if (!(ms >= leastMs && ms <= bounds.mostMs)) return 'implausible';
    latencies.push([region, ms]);
  }
  return latencies.length < 2 ? 'incomplete' : latencies;
}

function millisecondsOf(content: Buffer): object | undefined {
  let report: unknown;
  try {
    report = JSON.parse(content.toString());
  } catch {
    return undefined;
  }
  if (typeof report !== 'object' || report === null || Array.isArray(report)) return undefined;
  const { version, milliseconds, ...unknown } = report as Record<string, unknown>;
  if (version !== 1 || Object.keys(unknown).length > 0) return undefined;
  if (typeof milliseconds !== 'object' || milliseconds === null) return undefined;
  return Array.isArray(milliseconds) ? undefined : milliseconds;
}
