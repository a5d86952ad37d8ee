import { type Hub, hasMajority, isWhole, regionOf } from './hub.ts';
import { type Outcome, type RefusalCode, standsStill } from './next-step.ts';

/** Where a bucket is to be led from, and so to have a copy. */
export interface Move {
  readonly stream: string;
  readonly region: string;
}

/**
 * The next step to have a stream led by a region's voter: its writes are then confirmed from
 * there. Where it has no copy there (more voters than copies), one is moved there first, from
 * a region that does not lead it. Only while all of its copies are current. Pure.
 */
export function nextMove(hub: Hub, { stream: name, region }: Move): Outcome {
  const still = standsStill(hub);
  if (still) return still;
  const stream = hub.streams.find((one) => one.name === name);
  const silent = hub.members.find(({ online }) => !online);
  if (!stream && silent) {
    return refused('voter_down', `${silent.server} does not answer, and no other has ${name}`);
  }
  if (!stream) return refused('no_such_bucket', `the hub has no bucket of that name (${name})`);
  const own = hub.members.filter(({ server }) => regionOf(server) === region);
  const voter = own.find(({ online }) => online);
  if (own[0] && !voter) return refused('voter_down', `${own[0].server} does not answer`);
  if (!voter) return refused('not_a_voter', `region "${region}" has no voter`);
  const { leader, copies } = stream;
  if (leader === voter.server) return { next: 'done' };
  const there = copies.find(({ server }) => server === voter.server);
  if (there && isWhole(there)) {
    return {
      next: 'step',
      step: { do: 'lead', stream: name, from: leader!, to: voter.server },
    };
  }
  const behind = copies.find((copy) => !isWhole(copy));
  if (behind || !hasMajority(stream) || copies.length > stream.replicas) {
    const server = behind?.server ?? voter.server;
    return { next: 'wait', why: `${name}: the copy on ${server} is not current` };
  }
  const from = copies.find(({ server }) => server !== leader);
  if (!from || (copies.length - 1) * 2 <= copies.length) {
    const few = `${name} has ${copies.length} copies, too few to move one`;
    return refused('would_lose_quorum', few);
  }
  return {
    next: 'step',
    step: { do: 'moveCopy', stream: name, from: from.server, region },
  };
}

function refused(code: RefusalCode, why: string): Outcome {
  return { next: 'refused', code, why };
}
