import { type Hub, isWhole, regionOf, wholeCopies } from './hub.ts';
import type { Step } from './next-step.ts';

/** One line for people. */
export function describeStep(step: Step): string {
  switch (step.do) {
    case 'start':
      return `start the voter of ${step.region}, ${step.server}`;
    case 'copies':
      return `${bucketOf(step.stream)}: ${step.from} copies → ${step.to}`;
    case 'lead':
      return `${bucketOf(step.stream)}: led by ${regionOf(step.to)}, not ${regionOf(step.from)}`;
    case 'leadHub':
      return `the hub: led by ${regionOf(step.to)}, not ${regionOf(step.from)}`;
    case 'moveCopy':
      return `${bucketOf(step.stream)}: its copy in ${regionOf(step.from)} → ${step.region}`;
    case 'forget':
      return step.online
        ? `take ${step.server} out of the hub; its process can then be ended`
        : `forget ${step.server}, which is gone; its copies are made anew elsewhere`;
  }
}

/** What may go wrong with it, and what is then. */
export function riskOf(step: Step): string | undefined {
  switch (step.do) {
    case 'start':
      return 'a voter that joins and is lost again counts for changes of the hub until it is forgotten; writes go on while a majority of each bucket is there';
    case 'copies':
      return step.to > step.from
        ? 'new copies take what the bucket holds over the links between regions; writes go on meanwhile'
        : undefined;
    case 'moveCopy':
      return 'the new copy takes what the bucket holds over the links between regions; writes go on meanwhile';
    case 'lead':
    case 'leadHub':
      return 'writes wait for a moment while another copy takes the lead; a write that lost its answer is sent again';
    case 'forget':
      return step.online
        ? 'a removed server that is started again with its old file joins anew: end it for good'
        : 'a voter that is forgotten must not come back with its old disk: give it another (--instance)';
  }
}

/** The hub as it is, a line for each voter. */
export function hubRows({ members, leader, streams }: Hub): string[][] {
  return members.map((member) => {
    const { server } = member;
    const copies = streams.flatMap((stream) =>
      stream.copies.filter((one) => one.server === server),
    );
    const leads = streams.filter((stream) => stream.leader === server).length;
    return [
      regionOf(server),
      server,
      member.online ? (member.current ? 'current' : 'joining') : 'does not answer',
      `${copies.filter(isWhole).length} of ${copies.length} copies current`,
      `leads ${leads}${leader === server ? ' and the hub' : ''}`,
    ];
  });
}

/** `7 buckets, each with 3 copies, all current`; else which are not so. */
export function copiesInWords({ streams }: Hub): string {
  const behind = streams.filter(
    (one) => wholeCopies(one) < Math.max(one.replicas, one.copies.length),
  );
  if (behind.length > 0) {
    return behind
      .map(
        (one) => `${bucketOf(one.name)}: ${wholeCopies(one)} of ${one.replicas} copies are current`,
      )
      .join('\n');
  }
  const counts = [...new Set(streams.map(({ replicas }) => replicas))].sort((a, b) => a - b);
  return `${streams.length} buckets with ${counts.join(' or ') || 'no'} copies, all current`;
}

/** Streams of buckets go by the bucket's name, others by their own. */
export function bucketOf(stream: string): string {
  return stream.startsWith('KV_') ? stream.slice('KV_'.length) : stream;
}
