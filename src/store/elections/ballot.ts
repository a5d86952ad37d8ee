import type { GroupReport, RaftReport } from './raft-report.ts';

/** Leaders speak every second: this is two silences, and less than half of the shortest timeout. */
const silenceMs = 1_900;
/** An election that goes on comes to its end, or to another term, within this. */
const patienceMs = 1_000;

export interface Ballot {
  readonly group: string;
  /** The highest that a member has. */
  readonly term: bigint;
}

/**
 * Which groups have lost their leader, can elect another, and do not do so. Pure: times are
 * monotonic milliseconds and passed in.
 *
 *           leader lost            called, or held by itself: another term
 *   ──────────┬──────────────┬──────────┬───────────────┬──────────▶
 *     term 7  │ < 1.9 s      │ due      │ term 8        │ due again, where it came
 *             └ a silence?   │          └ 1 s of grace  │ to nothing (votes split)
 */
export class Vigil {
  readonly #terms = new Map<string, { readonly term: bigint; readonly sinceMs: number }>();

  /** Groups that are due, from what all servers said that answered. */
  observe(reports: readonly RaftReport[], nowMs: number): Ballot[] {
    const known = reports.filter(({ version }) => formatIsKnown(version));
    const due: Ballot[] = [];
    for (const [group, members] of groupsOf(known)) {
      const term = members.map((member) => member.term).reduce((a, b) => (a > b ? a : b));
      let seen = this.#terms.get(group);
      if (seen?.term !== term) seen = { term, sinceMs: nowMs };
      this.#terms.set(group, seen);
      const waits = isMajority(members) && members.every(isWaiting);
      if (waits && nowMs - seen.sinceMs >= patienceMs) due.push({ group, term });
    }
    return due;
  }

  /** Nothing is wrong: what was seen is of no use later. */
  rest(): void {
    this.#terms.clear();
  }
}

function groupsOf(reports: readonly RaftReport[]): Map<string, GroupReport[]> {
  const members = reports.flatMap(({ groups }) => groups);
  return Map.groupBy(members, ({ group }) => group);
}

function isMajority(members: readonly GroupReport[]): boolean {
  return members.length >= Math.max(2, ...members.map(({ quorum }) => quorum));
}

/**
 * Has entries, and neither leads nor heard of late from who leads. (One that has stepped
 * down may still be taken for the leader by those whom it does not speak to any more.)
 */
function isWaiting({ state, lastIndex, leader, leaderSilentMs }: GroupReport): boolean {
  if (lastIndex === 0) return false;
  if (state === 'CANDIDATE') return true;
  if (state !== 'FOLLOWER') return false;
  return leader === undefined || (leaderSilentMs ?? silenceMs) >= silenceMs;
}

/** Of the message below. Tried on 2.14.0; the same in the sources of 2.14.1 to 2.14.5. */
export function formatIsKnown(version: string): boolean {
  return /^2\.14\.\d+$/.test(version);
}

/** Where the members of a group hear candidates, in the account of the system. */
export function voteSubject(group: string): string {
  return `$NRG.V.${group}`;
}

/**
 * A request for votes from a candidate without any entry: nobody who has one can grant it.
 * What it does is what a voter does that comes back from a cut-off place: its higher term
 * has the others hold their election now (within 0.1 to 0.8 s) and not when their timers say
 * so (4 to 9 s). Who is elected, and with what log, is decided by the voters as ever.
 *
 *   0        8           16           24          32   bytes, little-endian
 *   ├─ term ──┼─ last term ┼ last index ┼ candidate ┤
 */
export function encodeVoteRequest(term: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setBigUint64(0, term, true);
  bytes.set(Buffer.from('meridian'), 24);
  return bytes;
}
