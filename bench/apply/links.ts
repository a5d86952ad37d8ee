import { setTimeout as sleep } from 'node:timers/promises';
import type { Applying } from './applying.ts';
import { monotonicMs } from './monotonic.ts';
import { measureVisible, type VisibleReport } from './visible.ts';

export interface LinkReport {
  /** Of every link between two regions, there and back. */
  readonly roundTripMs: number;
  readonly report: VisibleReport;
  /** What the median gained over that without a delay, in round trips. */
  readonly addedRoundTrips: { readonly visible: number; readonly acknowledged: number };
}

export interface LinksOptions {
  readonly roundTripsMs: readonly number[];
  readonly applies: number;
  readonly deadlineMs: number;
}

const acknowledgeEvery = 5;
/** What was under way at the old delay arrives. */
const settleMs = 1_500;

/**
 * The same over links between the store servers of the regions, first without a delay: the
 * relays themselves cost something. Every link gets the same one, half of it each way.
 */
export async function measureLinks(
  applying: Applying,
  { roundTripsMs, applies, deadlineMs }: LinksOptions,
): Promise<readonly LinkReport[]> {
  const reports: LinkReport[] = [];
  const all = [0, ...roundTripsMs];
  for (const [index, roundTripMs] of all.entries()) {
    applying.deployment.cluster!.delayMs = roundTripMs / 2;
    await sleep(settleMs);
    // The slower ones get more of what is left.
    const weights = all.slice(index).map((ms) => ms + 50);
    const share = weights[0]! / weights.reduce((sum, weight) => sum + weight, 0);
    const report = await measureVisible(applying, {
      applies,
      acknowledgeEvery,
      deadlineMs: monotonicMs() + (deadlineMs - monotonicMs()) * share,
    });
    const added = (of: 'visibleMs' | 'acknowledgedMs') =>
      (report[of].median - (reports[0]?.report ?? report)[of].median) / (roundTripMs || 1);
    const addedRoundTrips = { visible: added('visibleMs'), acknowledged: added('acknowledgedMs') };
    reports.push({ roundTripMs, report, addedRoundTrips });
  }
  return reports;
}
