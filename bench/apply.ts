import { Applying } from './apply/applying.ts';
import { machine } from './apply/busy.ts';
import { Deployment } from './apply/deployment.ts';
import { HeapFolder } from './apply/heap-folder.ts';
import { measureLinks } from './apply/links.ts';
import { measureMemory } from './apply/memory.ts';
import { monotonicMs } from './apply/monotonic.ts';
import { type ApplyReport, describeReport } from './apply/report.ts';
import { measureRoutes } from './apply/routes.ts';
import { measureStore } from './apply/store.ts';
import { measureVisible } from './apply/visible.ts';
import type { BenchOptions } from './main.ts';

export const applyParts = ['visible', 'memory', 'routes', 'links', 'store'] as const;
export type ApplyPart = (typeof applyParts)[number];

/** Links take a stack of their own, and the store alone long, for what hardly changes. */
const usualParts: readonly ApplyPart[] = ['visible', 'memory', 'routes', 'links'];
const quickParts: readonly ApplyPart[] = ['visible', 'memory', 'routes'];

/** How much of everything; together with starts and stops within 6 minutes, quick in 1. */
const thorough = {
  limitMs: 330_000,
  visible: { applies: 200, acknowledgeEvery: 1, limitMs: 60_000 },
  memory: { warmUp: 100, applies: 1_000, settleMs: 4_000, limitMs: 130_000 },
  routes: { routes: 10_000, cycles: 3, perSecond: 300, quietMs: 4_000, limitMs: 45_000 },
  links: { roundTripsMs: [80, 250], applies: 50 },
  store: { warmUp: 1_500, applies: 1_500, settleMs: 4_000, limitMs: 200_000 },
};
const quick: typeof thorough = {
  limitMs: 50_000,
  visible: { applies: 40, acknowledgeEvery: 1, limitMs: 10_000 },
  memory: { warmUp: 20, applies: 60, settleMs: 1_000, limitMs: 12_000 },
  routes: { routes: 10_000, cycles: 1, perSecond: 300, quietMs: 2_000, limitMs: 10_000 },
  links: { roundTripsMs: [80, 250], applies: 5 },
  store: { warmUp: 200, applies: 200, settleMs: 1_000, limitMs: 30_000 },
};

/**
 * Revisions of the worked example, as `meridian up` runs it with real store servers: how
 * fast they reach all regions, also large ones and over slow links, and what they leave behind.
 */
export async function benchApply(options: BenchOptions): Promise<void> {
  const amount = options.quick ? quick : thorough;
  const parts = options.only ?? (options.quick ? quickParts : usualParts);
  const deadlineMs = monotonicMs() + amount.limitMs;
  const started = machine();
  const local = await measureLocally(parts, amount, deadlineMs);
  const links = parts.includes('links')
    ? await withDeployment({ links: true }, (applying) =>
        measureLinks(applying, { ...amount.links, deadlineMs }),
      )
    : undefined;
  const store = parts.includes('store')
    ? await measureStore({ ...amount.store, deadlineMs: monotonicMs() + amount.store.limitMs })
    : undefined;
  const report: ApplyReport = {
    bench: 'apply',
    machine: `${started}; at the end: ${machine()}`,
    ...local,
    ...(links && { links }),
    ...(store && { store }),
  };
  console.log(options.json ? JSON.stringify(report) : describeReport(report));
}

async function measureLocally(
  parts: readonly ApplyPart[],
  amount: typeof thorough,
  endMs: number,
): Promise<Pick<ApplyReport, 'visible' | 'memory' | 'routes'>> {
  if (parts.every((part) => part === 'links' || part === 'store')) return {};
  const heaps = new HeapFolder();
  const bounded = <T extends { limitMs: number }>(of: T) => ({
    ...of,
    deadlineMs: Math.min(endMs, monotonicMs() + of.limitMs),
  });
  try {
    return await withDeployment({ links: false, env: heaps.environment }, async (applying) => ({
      ...(parts.includes('visible') && {
        visible: await measureVisible(applying, bounded(amount.visible)),
      }),
      ...(parts.includes('memory') && {
        memory: await measureMemory(applying, heaps, bounded(amount.memory)),
      }),
      ...(parts.includes('routes') && {
        routes: await measureRoutes(applying, bounded(amount.routes)),
      }),
    }));
  } finally {
    heaps.close();
  }
}

async function withDeployment<T>(
  options: Parameters<typeof Deployment.start>[0],
  measure: (applying: Applying) => Promise<T>,
): Promise<T> {
  const deployment = await Deployment.start(options);
  try {
    const applying = await Applying.start(deployment);
    return await measure(applying).finally(() => applying.close());
  } finally {
    await deployment.close();
  }
}
