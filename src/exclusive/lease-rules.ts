/** How an exclusive set is to be held. Durations in milliseconds. */
export interface LeaseSettings {
  readonly name: string;
  /** Regions that may be active, in order of preference. */
  readonly regions: readonly string[];
  readonly leaseMs: number;
  /** How far two clocks may come apart over a lease. */
  readonly marginMs: number;
  /** Whether the holder goes on while the store is out of reach; then nobody else is promoted by time. */
  readonly hold: boolean;
  /** Whether the first region of the list gets it back once it is healthy. */
  readonly prefer: 'holder' | 'first';
}

/** What this node knows about health at one instant. */
export interface Facts {
  /** The own region may be promoted: healthy by quorum, not draining, not switched off. */
  readonly promotable: boolean;
  /** The own region is not fit to be active while another one is: unhealthy, draining, off. */
  readonly failing: boolean;
  /** This node is about to stop. */
  readonly leaving: boolean;
  /** Wall time, for people. */
  readonly wallMs: number;
  /** Whether this node holds a region for healthy. */
  healthy(region: string): boolean;
}

/**
 * The times and conditions that exclusion rests on, apart so that the simulation can plant a
 * mistake in each. Times are monotonic, of the node that asks.
 *
 *   holder      sent ──────── lease − margin ───────▶│ stops by itself
 *   others      (later) seen ─────────── lease + margin ──────────────▶│ may take over
 *
 * A write is seen by others after it was sent, and their compare-and-set succeeds only where
 * no later one was written. So the two never overlap while, over a lease, no clock gains or
 * loses more than the margin.
 */
export interface LeaseRules {
  /** When the claim ends that a confirmed write gives, which was sent at `sentMs`. */
  endMs(sentMs: number, settings: LeaseSettings): number;
  /** When others may take over what they saw last at `seenMs`, of a holder with that lease. */
  takeoverMs(seenMs: number, leaseMs: number, settings: LeaseSettings): number;
  mayPromote(facts: Facts): boolean;
  /** Whether a node that hands over lets go while that many of its siblings hold. */
  mayLetGo(holding: number): boolean;
  /** When a node with that lease, which renewed last at `seenMs`, is heard no more. */
  silentMs(seenMs: number, leaseMs: number, settings: LeaseSettings): number;
  /** When those are over who may be active though the store, set back, knows nothing of it. */
  settledMs(atMs: number, leaseMs: number, settings: LeaseSettings): number;
}

/** What the margin is to the own lease it is to a longer one. */
function takeoverMs(seenMs: number, leaseMs: number, settings: LeaseSettings): number {
  const longestMs = Math.max(leaseMs, settings.leaseMs);
  return seenMs + longestMs + (settings.marginMs * longestMs) / settings.leaseMs;
}

export const leaseRules: LeaseRules = {
  endMs: (sentMs, { leaseMs, marginMs, hold }) =>
    hold ? Number.POSITIVE_INFINITY : sentMs + leaseMs - marginMs,
  takeoverMs,
  mayPromote: ({ promotable, leaving }) => promotable && !leaving,
  mayLetGo: (holding) => holding === 0,
  silentMs: takeoverMs,
  settledMs: takeoverMs,
};
