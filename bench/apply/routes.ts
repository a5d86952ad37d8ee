import { setTimeout as sleep } from 'node:timers/promises';
import { regionNames } from '../../test/support/stack.ts';
import { treeCpuMicroseconds } from '../process-cpu.ts';
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
  /** What all processes together worked for a change, beyond what they do in such a time anyway. */
  readonly cpuSeconds: Readonly<Record<Change, Tail>>;
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
  readonly cpuSeconds: number;
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
      cpuSeconds: mapValues(visibleMs, (_, change) => tailOf(cpuSecondsOf(windows, change))),
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
    windows.push(await windowOf('quiet', () => sleep(quietMs)));
    for (const change of changes) {
      if (change === 'grown') applying.document = withRoutes(small, routes);
      if (change === 'shrunk') applying.document = small;
      const window = await windowOf(change, async () => {
        const step = await applying.apply();
        visibleMs[change].push(step.visibleMs);
        await applying.acknowledged(step);
      });
      windows.push(window);
      await sleep(settleMs);
    }
  }
  return { windows, visibleMs, cycles: done };
}

async function windowOf(what: Window['what'], run: () => Promise<unknown>): Promise<Window> {
  const before = treeCpuMicroseconds(process.pid);
  const fromMs = monotonicMs();
  await run();
  const cpuSeconds = (treeCpuMicroseconds(process.pid) - before) / 1e6;
  return { what, fromMs, toMs: monotonicMs(), cpuSeconds };
}

/** Of each change, less what the quiet windows needed in as much time. */
function cpuSecondsOf(windows: readonly Window[], change: Change): number[] {
  const quiet = windows.filter(({ what }) => what === 'quiet');
  const lengthMs = (list: readonly Window[]) =>
    list.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const perMs = quiet.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / lengthMs(quiet);
  return windows
    .filter(({ what }) => what === change)
    .map((window) => window.cpuSeconds - perMs * lengthMs([window]));
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
