import type { ExclusiveStatus, ExclusiveView } from '../../admin/node-view.ts';
import type { LeaseStatus } from '../../exclusive/lease-keeper.ts';
import type { NodeExclusive } from '../exclusive/node-exclusive.ts';

/** Every exclusive set as this node knows it. */
export function exclusiveStatuses(statuses: readonly LeaseStatus[]): ExclusiveStatus[] {
  return statuses.map(
    ({ name, active, activeRegion, reason, token, nodes, to, changes, ...times }) => {
      const { sinceWallMs, endsInMs } = times;
      const ends = endsInMs !== undefined && Number.isFinite(endsInMs);
      return {
        name,
        activeRegion,
        active,
        reason,
        token,
        since: sinceWallMs === undefined ? undefined : new Date(sinceWallMs).toISOString(),
        nodes,
        to,
        endsInSeconds: ends ? Math.round(endsInMs) / 1_000 : undefined,
        changes,
      };
    },
  );
}

/** Exclusive sets by the admin API. */
export function createExclusiveView(exclusive: NodeExclusive): ExclusiveView {
  return {
    list: () => exclusiveStatuses(exclusive.statuses()),
    handOver: (name, to, force) => exclusive.handOver(name, to, force),
  };
}
