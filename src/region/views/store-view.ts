import type { StoreView } from '../../admin/node-view.ts';
import type { StoreStatus } from '../../store/store.ts';

/** Below this an unreachable store is still connecting and no trouble yet. */
const storeGraceMs = 5_000;

/** The store as `/status` shows it. */
export function storeView(status: StoreStatus): StoreView {
  return {
    engine: status.engine,
    reachable: status.reachable,
    outOfReachForSeconds: Math.round(status.outOfReachForMs) / 1_000,
    lastError: status.lastError,
    serverVersion: status.serverVersion,
    buckets: status.buckets.map(({ name, leader, replicas, quorum, staleForMs, lagMessages }) => ({
      name,
      leader,
      replicas,
      quorum,
      lagMs: Number.isFinite(staleForMs) ? Math.round(staleForMs) : undefined,
      lagMessages,
    })),
  };
}

/** What is wrong with the store, a sentence each. */
export function storeTroubles(status: StoreStatus): string[] {
  const { engine, reachable, outOfReachForMs, lastError, unsafe, unverified } = status;
  const troubles = [unsafe, unverified].filter((sentence) => sentence !== undefined);
  if (reachable || outOfReachForMs <= storeGraceMs) return troubles;
  const why = lastError === undefined ? '' : `: ${lastError}`;
  const seconds = Math.round(outOfReachForMs / 1_000);
  return [...troubles, `the store (${engine}) has been out of reach for ${seconds} s${why}`];
}
