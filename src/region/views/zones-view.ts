import type { ZonesStatus } from '../../admin/node-view.ts';
import type { ZoneTransfers } from '../transfers/zone-transfers.ts';

/** `undefined`: no zone is transferred, and nobody is told. */
export function zonesStatus(transfers: ZoneTransfers | undefined): ZonesStatus | undefined {
  if (!transfers) return undefined;
  const { secondaries, notifications } = transfers.status();
  if (secondaries.length === 0 && notifications.length === 0) return undefined;
  return {
    secondaries: secondaries.map(({ confirmedAtMs, nextCheckAtMs, expiresAtMs, ...zone }) => ({
      ...zone,
      confirmedAt: textOf(confirmedAtMs),
      nextCheckAt: textOf(nextCheckAtMs),
      expiresAt: textOf(expiresAtMs),
    })),
    notifications,
  };
}

function textOf(wallMs: number | undefined): string | undefined {
  return wallMs === undefined ? undefined : new Date(wallMs).toISOString();
}
