import { setTimeout as sleep } from 'node:timers/promises';
import { regionNames } from '../../test/support/stack.ts';
import { type Tail, tailOf } from '../statistics.ts';
import type { Applying } from './applying.ts';
import { type Busy, BusyMeter } from './busy.ts';
import { Clients, type Sample } from './clients.ts';
import { withRoutes } from './example.ts';
import { monotonicMs } from './monotonic.ts';

export interface RoutesReport {
  readonly routes: number;
  readonly cycles: number;
  /** By what was applied: until all regions served it. */
  readonly visibleMs: Readonly<Record<Change, Tail>>;
  readonly requests: number;
  /** Without a response, or with another status than 200. */
  readonly failed: number;
  /** Connections that the gateway closed. */
  readonly reconnects: number;
  /** Of requests that were due before a change, and while one was under way. */
  readonly latencyMs: Readonly<Record<'quiet' | Change, Tail>>;
  readonly busy: Busy;
}

const changes = ['grown', 'oneMore', 'shrunk'] as const;
type Change = (typeof changes)[number];

export interface RoutesOptions {
  readonly routes: number;
  readonly cycles: number;
  /** To all regions together. */
  readonly perSecond: number;
  readonly quietMs: number;
  readonly deadlineMs: number;
}

interface Window {
  readonly what: 'quiet' | Change;
  readonly fromMs: number;
  readonly toMs: number;
}

const connectionsPerRegion = 4;
/** After a change: what it leaves behind is collected. */
const settleMs = 1_500;

/**
 * A steady load through all regions, while their configuration becomes a large one, changes
 * by one route, and becomes small again. A change is under way until all have acknowledged it.
 */
export async function measureRoutes(
  applying: Applying,
  options: RoutesOptions,
): Promise<RoutesReport> {
  const addresses = regionNames.map((region) => applying.deployment.stack.address(region));
  const load = await Clients.start(addresses, connectionsPerRegion);
  const busy = new BusyMeter();
  try {
    load.startLoad(options.perSecond);
    await sleep(settleMs);
    const { windows, visibleMs, cycles } = await cycle(applying, options);
    const { samples, reconnects } = await load.stopLoad();
    const tail = (what: Window['what']) => tailOf(latencies(samples, windows, what));
    return {
      routes: options.routes,
      cycles,
      visibleMs: mapValues(visibleMs, tailOf),
      requests: samples.length,
      failed: samples.filter(({ status }) => status !== 200).length,
      reconnects,
      latencyMs: {
        quiet: tail('quiet'),
        ...mapValues(visibleMs, (_, change) => tail(change)),
      },
      busy: busy.read(),
    };
  } finally {
    await load.close();
  }
}

async function cycle(
  applying: Applying,
  { routes, cycles, quietMs, deadlineMs }: RoutesOptions,
): Promise<{ windows: Window[]; visibleMs: Record<Change, number[]>; cycles: number }> {
  const windows: Window[] = [];
  const visibleMs: Record<Change, number[]> = { grown: [], oneMore: [], shrunk: [] };
  const small = applying.document;
  let done = 0;
  for (; done < cycles && (done === 0 || monotonicMs() < deadlineMs); done++) {
    const quietFromMs = monotonicMs();
    await sleep(quietMs);
    windows.push({ what: 'quiet', fromMs: quietFromMs, toMs: monotonicMs() });
    for (const change of changes) {
      if (change === 'grown') applying.document = withRoutes(small, routes);
      if (change === 'shrunk') applying.document = small;
      const step = await applying.apply();
      const { startedMs } = step.applied;
      const toMs = startedMs + (await applying.acknowledged(step));
      visibleMs[change].push(step.visibleMs);
      windows.push({ what: change, fromMs: startedMs, toMs });
      await sleep(settleMs);
    }
  }
  return { windows, visibleMs, cycles: done };
}

function latencies(
  samples: readonly Sample[],
  windows: readonly Window[],
  what: Window['what'],
): number[] {
  const chosen = windows.filter((window) => window.what === what);
  const within = ({ dueMs }: Sample) =>
    chosen.some(({ fromMs, toMs }) => dueMs >= fromMs && dueMs < toMs);
  return samples.filter(within).map(({ latencyMs }) => latencyMs);
}

function mapValues<T, R>(
  record: Readonly<Record<Change, T>>,
  map: (value: T, change: Change) => R,
): Record<Change, R> {
  const entries = changes.map((change) => [change, map(record[change], change)] as const);
  return Object.fromEntries(entries) as Record<Change, R>;
}
