import type { GeoStatus } from '../../admin/node-view.ts';
import type { Clock } from '../../base/clock.ts';
import type { Locator } from '../../steering/geo/locator.ts';

export function geoStatus({ database }: Locator, clock: Clock): GeoStatus | undefined {
  if (!database) return undefined;
  const { path: source, type, builtAtMs } = database;
  const ageSeconds = Math.max(0, Math.round((clock.wallMs() - builtAtMs) / 1_000));
  return { source, type, builtAt: new Date(builtAtMs).toISOString(), ageSeconds };
}
