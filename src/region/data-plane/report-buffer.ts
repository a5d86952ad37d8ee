import type { Clock, Timer } from '../../base/clock.ts';
import type { ReportSink } from '../../gateway/beacon/beacon.ts';
import type { Latencies } from '../../gateway/beacon/report.ts';

/** What browsers told one thread since it last said so. */
export interface ReportBatch {
  readonly reports: readonly { readonly address: string; readonly latencies: Latencies }[];
  /** How many more there were, by the reason why they do not count. */
  readonly refused: Readonly<Record<string, number>>;
}

const intervalMs = 250;
/** Of one interval. What comes beyond it is refused: the main thread has more to do. */
const mostReports = 100;

/** Gathers reports, so that a flood of them is a few messages a second. */
export class ReportBuffer implements ReportSink {
  readonly #clock: Clock;
  readonly #send: (batch: ReportBatch) => void;
  #reports: ReportBatch['reports'][number][] = [];
  #refused = new Map<string, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock, send: (batch: ReportBatch) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  reported(address: string, latencies: Latencies): void {
    if (this.#reports.length >= mostReports) {
      this.refused('too_many');
      return;
    }
    this.#reports.push({ address, latencies });
    this.#later();
  }

  refused(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    this.#later();
  }

  #later(): void {
    this.#timer ??= this.#clock.after(intervalMs, () => {
      const batch = { reports: this.#reports, refused: Object.fromEntries(this.#refused) };
      this.#timer = undefined;
      this.#reports = [];
      this.#refused = new Map();
      this.#send(batch);
    });
  }
}
