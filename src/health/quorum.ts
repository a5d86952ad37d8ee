import { formatDuration } from '../config/schema/units.ts';
import type { Verdict } from './hysteresis.ts';
import type { StateName } from './table.ts';

/** What a node knows about one subject at one instant. */
export interface Evidence {
  /** `n`: vantages configured for the subject. */
  readonly configured: number;
  /** The fresh vantages that say up, and those that say down. One without a word is in neither. */
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** What the own vantage says, also where it does not count towards `n`. */
  readonly own: Verdict | undefined;
  /** Up while more than this share of the fresh vantages say so; `undefined`: the majority. */
  readonly upShare?: number | undefined;
  /** The own probes found that there is nothing to measure. */
  readonly absent?: boolean | undefined;
  readonly current: StateName;
  /** Set while `current` comes from disk. */
  readonly restoredAgeMs: number | undefined;
}

export interface Decision {
  readonly state: StateName;
  /** False when there was nothing to decide on and `current` is held. */
  readonly decided: boolean;
  /** For people. */
  readonly reason: string;
}

const shownNames = 4;

/**
 * The decision table for what vantages decide together (gateways; services probed from
 * everywhere). F = the fresh vantages with a word.
 *
 *   F > n/2   more than half of F say down   unhealthy
 *             more than half of F say up     healthy
 *             a tie                          as before
 *             with an `upShare` (up to a     more than that share says up: healthy, else
 *             half) in its place             unhealthy
 *   F ≤ n/2   own vantage has a word         what it says: a client that reached this node
 *                                            shows that the node is reachable
 *             it has none                    as before: the last state from disk after a
 *                                            restart, unknown on the first boot
 *
 * Where no vantage has a word because there is nothing to measure, as the own probes found,
 * the state is unknown.
 *
 * So no single vantage, dark or mistaken, changes a state while the others are heard, and
 * each side of a cut serves itself.
 */
export function decideByQuorum(evidence: Evidence): Decision {
  const { configured, up, down, own, upShare } = evidence;
  const fresh = up.length + down.length;
  if (fresh > configured / 2) {
    if (upShare !== undefined) {
      if (up.length > fresh * upShare) return majority('healthy', up, 'up', fresh);
      return majority('unhealthy', down, 'down', fresh);
    }
    if (down.length > fresh / 2) return majority('unhealthy', down, 'down', fresh);
    if (up.length > fresh / 2) return majority('healthy', up, 'up', fresh);
    return held(evidence, `tie: ${names(down)} say down, ${names(up)} say up`);
  }
  if (fresh === 0 && evidence.absent) {
    return { state: 'unknown', decided: true, reason: 'no vantage has a value' };
  }
  const alone = `${fresh} of ${configured} vantages heard`;
  if (own === undefined) return held(evidence, `${alone}, own probes inconclusive`);
  return {
    state: own === 'up' ? 'healthy' : 'unhealthy',
    decided: true,
    reason: `${alone}: own probes say ${own}`,
  };
}

/** What a node knows about a subject that its region decides by itself. */
export interface RegionEvidence extends Pick<Evidence, 'current' | 'restoredAgeMs'> {
  readonly region: string;
  /** Of the region, while it is fresh. */
  readonly word: Verdict | undefined;
  /** What the region said last, or what the disk said of it. */
  readonly said: StateName;
  /** Since the region was heard; 0 for the own region. */
  readonly silentMs: number;
  /** Longer silence, with the gateway lost too, is the loss of the region. */
  readonly silenceLimitMs: number;
  /** State of the region's gateway. */
  readonly gateway: StateName;
}

/**
 * The rule for what a region decides by itself (its services): its word while there is one.
 * A silent region whose gateway still answers has lost its link only, and its last word
 * holds. One whose gateway is lost too is taken at its last word no longer:
 *
 *          word              word              silent too long, gateway unhealthy
 *   ┌──────────────┐ ───▶ ┌──────────────┐ ───────────────────────────▶ ┌─────────┐
 *   │ never heard  │      │ as it said   │                              │ unknown │
 *   └──────────────┘      └──────────────┘ ◀─────────────────────────── └─────────┘
 *                                           a word, or the gateway is back
 */
export function decideByRegion(evidence: RegionEvidence): Decision {
  const { region, word, said, current, restoredAgeMs, silentMs, silenceLimitMs } = evidence;
  if (word !== undefined) {
    const state = word === 'up' ? 'healthy' : 'unhealthy';
    return { state, decided: true, reason: `${region} says ${word}` };
  }
  const silent = silentMs >= silenceLimitMs;
  const lost = said !== 'unknown' && evidence.gateway === 'unhealthy';
  if (!lost || !(silent || current === 'unknown')) {
    return held({ current: said, restoredAgeMs }, `no word from ${region}`);
  }
  const forSeconds = formatDuration(Math.floor(silentMs / 1_000) * 1_000);
  const why = silent ? `${region} not heard for ${forSeconds}` : `no word from ${region} yet`;
  return { state: 'unknown', decided: false, reason: `${why}; said ${said} before` };
}

function majority(
  state: StateName,
  vantages: readonly string[],
  word: Verdict,
  fresh: number,
): Decision {
  const reason = `${vantages.length} of ${fresh} vantages heard say ${word}: ${names(vantages)}`;
  return { state, decided: true, reason };
}

function held(
  { current, restoredAgeMs }: Pick<Evidence, 'current' | 'restoredAgeMs'>,
  why: string,
): Decision {
  const kept =
    restoredAgeMs === undefined
      ? current === 'unknown'
        ? 'nothing known yet'
        : 'last state held'
      : `state from disk, ${formatDuration(Math.round(restoredAgeMs / 1_000) * 1_000)} old`;
  return { state: current, decided: false, reason: `${why}; ${kept}` };
}

function names(vantages: readonly string[]): string {
  if (vantages.length === 0) return 'none';
  const more = vantages.length - shownNames;
  const shown = vantages.slice(0, shownNames).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}
