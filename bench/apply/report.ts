import type { Tail } from '../statistics.ts';
import type { Busy } from './busy.ts';
import type { LinkReport } from './links.ts';
import type { MemoryReport } from './memory.ts';
import type { RoutesReport } from './routes.ts';
import type { VisibleReport } from './visible.ts';

/** What was measured of `bench apply`; what was not is left out. */
export interface ApplyReport {
  readonly bench: 'apply';
  readonly machine: string;
  readonly visible?: VisibleReport;
  readonly memory?: MemoryReport;
  readonly routes?: RoutesReport;
  readonly links?: readonly LinkReport[];
  readonly store?: MemoryReport;
}

export const goals = {
  visibleMs: 500,
  largeVisibleMs: 3_000,
  latencyRatio: 2,
  growth: 0.1,
} as const;

export function describeReport(report: ApplyReport): string {
  const { visible, memory, routes, links, store } = report;
  return [
    report.machine,
    ...(visible ? describeVisible(visible) : []),
    ...(memory ? describeMemory(memory) : []),
    ...(routes ? describeRoutes(routes) : []),
    ...(links ? describeLinks(links) : []),
    ...(store ? describeMemory(store) : []),
  ].join('\n');
}

function describeVisible(report: VisibleReport): string[] {
  return [
    ...heading('Revisions of the worked example, one after the other', report.busy),
    tailHead('ms from the start of the request', ''),
    tailRow('accepted by the store', report.acceptedMs),
    tailRow('visible in all regions', report.visibleMs, goals.visibleMs),
    tailRow('acknowledged by all nodes', report.acknowledgedMs),
  ];
}

function describeLinks(reports: readonly LinkReport[]): string[] {
  return reports.flatMap(({ roundTripMs, report, addedRoundTrips }) => [
    ...heading(`Links of ${roundTripMs} ms (there and back) between store servers`, report.busy),
    tailHead('ms from the start of the request', 'added round trips'),
    tailRow('accepted by the store', report.acceptedMs),
    tailRow('visible in all regions', report.visibleMs, undefined, addedRoundTrips.visible),
    ...Object.entries(report.askedAt).map(([region, tail]) => {
      const where = region === report.leader ? `${region}, the leader's` : region;
      return tailRow(`  asked in ${where}`, tail);
    }),
    tailRow('acknowledged', report.acknowledgedMs, undefined, addedRoundTrips.acknowledged),
  ]);
}

function describeRoutes(report: RoutesReport): string[] {
  const { routes, cycles, visibleMs, cpuSeconds, latencyMs } = report;
  const { requests, failed, reconnects, busy } = report;
  const texts = {
    grown: `to ${routes} routes`,
    oneMore: 'and one changed',
    shrunk: 'and back',
  };
  const changes = ['grown', 'oneMore', 'shrunk'] as const;
  return [
    ...heading(`${routes} routes and back, ${cycles} times, under load`, busy),
    tailHead('ms until visible in all regions', 'CPU seconds of all'),
    ...changes.map((one) =>
      tailRow(texts[one], visibleMs[one], goals.largeVisibleMs, cpuSeconds[one].median),
    ),
    tailHead('ms of a request meanwhile', 'p99 ÷ before'),
    tailRow('before', latencyMs.quiet),
    ...changes.map((one) => {
      const ratio = latencyMs[one].p99 / latencyMs.quiet.p99;
      return tailRow(texts[one], latencyMs[one], latencyMs.quiet.p99 * goals.latencyRatio, ratio);
    }),
    `  ${requests} requests, ${failed} failed (goal 0), ${reconnects} connections made anew`,
  ];
}

function describeMemory({ warmUp, applies, held, storeBytes, busy }: MemoryReport): string[] {
  const entries = Object.entries(held);
  return [
    ...heading(
      `Held after ${warmUp} applies, and after ${applies} more (goal +${goals.growth * 100} %)`,
      busy,
    ),
    `  ${'MB'.padEnd(22)}${'resident'.padStart(18)}${'live heap'.padStart(26)}`,
    ...entries.map(([name, [before, after]]) => {
      const resident = growth(before.residentBytes, after.residentBytes);
      const live = growth(before.liveBytes, after.liveBytes);
      return `  ${name.padEnd(22)}${resident.padStart(18)}${live.padStart(26)}`;
    }),
    `  ${'files of the store'.padEnd(22)}${growth(...storeBytes).padStart(18)}`,
    `  ${'counts'.padEnd(22)}${'threads'.padStart(12)}${'descriptors'.padStart(16)}${'handles'.padStart(16)}`,
    ...entries.map(([name, [before, after]]) => {
      const both = (of: 'threads' | 'descriptors' | 'handles', width: number) =>
        `${before[of] ?? ''} → ${after[of] ?? ''}`.padStart(width);
      const handles = before.handles === undefined ? '' : both('handles', 16);
      return `  ${name.padEnd(22)}${both('threads', 12)}${both('descriptors', 16)}${handles}`;
    }),
  ];
}

function growth(before: number | undefined, after: number | undefined): string {
  if (before === undefined || after === undefined) return '';
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const share = after / before - 1;
  return `${megabytes(before)} → ${megabytes(after)} ${share < 0 ? '' : '+'}${(share * 100).toFixed(0)} %`;
}

function heading(title: string, { own, others }: Busy): string[] {
  const busy = `busy processors: ${own.toFixed(1)} with this, ${others.toFixed(1)} with other work`;
  return ['', title, `  (${busy})`];
}

function tailHead(what: string, more: string): string {
  const columns = ['count', 'median', 'p99', 'worst'].map((name) => name.padStart(9));
  return `  ${what.padEnd(34)}${columns.join('')}   ${more}`;
}

/** `limit`: of the 99th percentile. */
function tailRow(what: string, tail: Tail, limit?: number, more?: number): string {
  const columns = [tail.median, tail.p99, tail.worst].map((ms) => ms.toFixed(1).padStart(9));
  const goal = limit === undefined ? '' : `p99 ≤ ${limit.toFixed(0)}: ${yes(tail.p99 <= limit)}`;
  const text = [more?.toFixed(1) ?? '', goal].filter(Boolean).join('  ');
  return `  ${what.padEnd(34)}${String(tail.count).padStart(9)}${columns.join('')}   ${text}`;
}

function yes(reached: boolean): string {
  return reached ? 'reached' : 'MISSED';
}
