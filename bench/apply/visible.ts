import { type Tail, tailOf } from '../statistics.ts';
import type { Applying } from './applying.ts';
import { type Busy, BusyMeter } from './busy.ts';
import { monotonicMs } from './monotonic.ts';

export interface VisibleReport {
  readonly acceptedMs: Tail;
  readonly visibleMs: Tail;
  readonly acknowledgedMs: Tail;
  readonly busy: Busy;
}

export interface VisibleOptions {
  readonly applies: number;
  /** Acknowledgements are waited for after every so many. */
  readonly acknowledgeEvery: number;
  /** By `monotonicMs`: then no other one is begun. */
  readonly deadlineMs: number;
}

/** Applies in a row: how long until every region serves it, and until all nodes said so. */
export async function measureVisible(
  applying: Applying,
  { applies, acknowledgeEvery, deadlineMs }: VisibleOptions,
): Promise<VisibleReport> {
  const busy = new BusyMeter();
  const acceptedMs: number[] = [];
  const visibleMs: number[] = [];
  const acknowledgedMs: number[] = [];
  for (let count = 1; count <= applies && monotonicMs() < deadlineMs; count++) {
    const step = await applying.apply();
    acceptedMs.push(step.acceptedMs);
    visibleMs.push(step.visibleMs);
    if (count % acknowledgeEvery === 0) acknowledgedMs.push(await applying.acknowledged(step));
  }
  return {
    acceptedMs: tailOf(acceptedMs),
    visibleMs: tailOf(visibleMs),
    acknowledgedMs: tailOf(acknowledgedMs),
    busy: busy.read(),
  };
}
