import type { Clock } from '../base/clock.ts';
import type { Bucket } from '../store/store.ts';
import { keyOf, readAll } from './acknowledgements.ts';
import { Fields, namePattern } from './fields.ts';
import { invalidReport, localFileOf, runningOf, trafficOf } from './parse.ts';
import type { LocalFile, RevisionRef, TrafficCount } from './revision.ts';

/** How often a node writes its report. */
export const reportIntervalMs = 2_000;
/** A node that wrote none for so long is not there: three in a row are missing. */
export const silentAfterMs = 3 * reportIntervalMs;

/** What a node says of itself every two seconds: key `REGION.NODE` of the bucket `status`. */
export interface NodeReport {
  readonly region: string;
  readonly node: string;
  readonly ready: boolean;
  /** What it serves; sequence 0: a file. */
  readonly revision: RevisionRef;
  readonly traffic: TrafficCount;
  /** ISO 8601, by the clock of the node. */
  readonly reportedAt: string;
  readonly localFile?: LocalFile | undefined;
  /** Of its key in the store: another one is another report. */
  readonly storeRevision: number;
}

/** A report, and how long the reader knows of no newer one, by the reader's own clock. */
export type Observed<Report> = Report & { readonly silentForMs: number };
export type ObservedReport = Observed<NodeReport>;

/**
 * Reads a report; other fields are left aside, as a report tells much more than this.
 *
 * @throws RevisionError `report_invalid`
 */
export function parseReport(bytes: Uint8Array, storeRevision: number): NodeReport {
  const fields = Fields.ofJson(bytes, '', invalidReport);
  return {
    region: fields.matching('region', namePattern),
    node: fields.matching('node', namePattern),
    ready: fields.flag('ready'),
    revision: runningOf(fields.fields('revision')),
    traffic: trafficOf(fields.fields('traffic')),
    reportedAt: fields.time('reportedAt'),
    localFile: fields.optional('localFile', (name) => localFileOf(fields.fields(name))),
    storeRevision,
  };
}

export function readReports(bucket: Bucket): Promise<readonly NodeReport[]> {
  return readAll(bucket, parseReport);
}

interface Observation {
  readonly storeRevision: number;
  readonly sinceMs: number;
}

/**
 * Tells how long each node has been silent. Clocks of nodes are not compared to decide
 * that: a report counts as new when its store revision is. Only of a node that is seen for
 * the first time is its own clock believed, until its next report comes or does not.
 */
export class ReportObserver<Report extends NodeReport = NodeReport> {
  readonly #read: () => Promise<readonly Report[]>;
  readonly #clock: Clock;
  #seen = new Map<string, Observation>();

  constructor(read: () => Promise<readonly Report[]>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  async observe(): Promise<readonly Observed<Report>[]> {
    const reports = await this.#read();
    const nowMs = this.#clock.monotonicMs();
    const seen = new Map<string, Observation>();
    const observed = reports.map((report) => {
      const { storeRevision } = report;
      const known = this.#seen.get(keyOf(report));
      const sinceMs = known ? nowMs : nowMs - this.#ageByItsClock(report);
      const same = known?.storeRevision === storeRevision;
      const observation = same ? known : { storeRevision, sinceMs };
      seen.set(keyOf(report), observation);
      return { ...report, silentForMs: nowMs - observation.sinceMs };
    });
    this.#seen = seen;
    return observed;
  }

  /**
   * As `observe`, for who looks only once: nodes that seem to be silent are given the time
   * to speak, up to 3 s.
   */
  async observeSurely(): Promise<readonly Observed<Report>[]> {
    const first = await this.observe();
    if (first.every(({ silentForMs }) => silentForMs <= silentAfterMs)) return first;
    await new Promise<void>((resolve) => {
      this.#clock.after(1.5 * reportIntervalMs, resolve);
    });
    return await this.observe();
  }

  #ageByItsClock({ reportedAt }: NodeReport): number {
    return Math.max(0, this.#clock.wallMs() - Date.parse(reportedAt));
  }
}
