import type { GroupReport, RaftReport } from './raft-report.ts';

/** Leaders speak every second: this is two silences, and less than half of the shortest timeout. */
export const silenceMs = 1_900;

export interface Ballot {
  readonly group: string;
  /** One more than any voter has. */
  readonly term: bigint;
}

/**
 * The groups that have lost their leader and can elect another. Pure.
 *
 * All servers that answered must agree, and be a majority: each follows, none campaigns, each
 * has entries, and each has heard nothing for 1.9 s from a leader that did not answer either.
 * Candidates that split the votes wait 4 to 9 s for another try; where an election was called
 * and came to nothing (`stuck`), they count as well.
 */
export function groupsToElect(
  reports: readonly RaftReport[],
  stuck: ReadonlySet<string> = new Set(),
): Ballot[] {
  const known = reports.filter(({ version }) => formatIsKnown(version));
  const answered = new Set(known.map(({ server }) => server));
  const byGroup = Map.groupBy(
    known.flatMap(({ groups }) => groups),
    ({ group }) => group,
  );
  const ballots: Ballot[] = [];
  for (const [group, members] of byGroup) {
    const waits = (member: GroupReport) =>
      isOrphan(member, answered) || (stuck.has(group) && member.state === 'CANDIDATE');
    if (!isMajority(members) || !members.every(waits)) continue;
    const terms = members.map(({ term }) => term);
    ballots.push({ group, term: terms.reduce((a, b) => (a > b ? a : b)) + 1n });
  }
  return ballots;
}

function isMajority(members: readonly GroupReport[]): boolean {
  return members.length >= Math.max(2, ...members.map(({ quorum }) => quorum));
}

function isOrphan(member: GroupReport, answered: ReadonlySet<string>): boolean {
  const { state, lastIndex, leader, leaderSilentMs } = member;
  if (state !== 'FOLLOWER' || lastIndex === 0 || leader === undefined) return false;
  return !answered.has(leader) && leaderSilentMs !== undefined && leaderSilentMs >= silenceMs;
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
