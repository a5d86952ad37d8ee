import { type RegionName, regionNames } from '../../test/support/stack.ts';
import { type Tail, tailOf } from '../statistics.ts';
import type { Applying, Step } from './applying.ts';
import { type Busy, BusyMeter } from './busy.ts';
import { monotonicMs } from './monotonic.ts';

export interface VisibleReport {
  readonly acceptedMs: Tail;
  readonly visibleMs: Tail;
  readonly acknowledgedMs: Tail;
  /** `visibleMs` by the region whose admin API was asked. */
  readonly askedAt: Readonly<Record<RegionName, Tail>>;
  /** Whose voter led the configuration's bucket, at the end. */
  readonly leader: string;
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
  const steps: Step[] = [];
  const acknowledgedMs: number[] = [];
  for (let count = 1; count <= applies && monotonicMs() < deadlineMs; count++) {
    const step = await applying.apply();
    steps.push(step);
    if (count % acknowledgeEvery === 0) acknowledgedMs.push(await applying.acknowledged(step));
  }
  const askedAt = regionNames.map((name) => {
    const there = steps.filter(({ region }) => region === name);
    return [name, tailOf(there.map(({ visibleMs }) => visibleMs))] as const;
  });
  return {
    acceptedMs: tailOf(steps.map(({ acceptedMs }) => acceptedMs)),
    visibleMs: tailOf(steps.map(({ visibleMs }) => visibleMs)),
    acknowledgedMs: tailOf(acknowledgedMs),
    askedAt: Object.fromEntries(askedAt) as VisibleReport['askedAt'],
    leader: await applying.deployment.leader(),
    busy: busy.read(),
  };
}
