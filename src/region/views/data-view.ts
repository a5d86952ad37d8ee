import type { DataStatus } from '../../admin/data-status.ts';
import type { DataService } from '../data/data-service.ts';

/** `undefined`: the node serves no data. */
export function dataStatus({ plan, port, report }: DataService): DataStatus | undefined {
  if (!plan) return undefined;
  const buckets = Object.entries(plan.buckets).map(([name, { settings, regions, resident }]) => {
    const status = report?.buckets[name];
    return {
      name,
      consistency: settings.consistency,
      regions,
      resident,
      writable: status?.writable,
      problem: status?.problem,
      lagMs: Object.fromEntries([...(status?.lagMs ?? [])].filter(([, ms]) => Number.isFinite(ms))),
      lost: status?.lost ?? 0,
    };
  });
  const serving = port !== undefined;
  return { serving, port: port ?? plan.port, buckets };
}
