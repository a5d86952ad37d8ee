import { type Copy, type Hub, isWhole, type Member, regionOf, type Stream } from './hub.ts';
import { type Goal, nextStep, type Outcome, type Step } from './next-step.ts';

export interface Plan {
  readonly steps: readonly Step[];
  /** What it ends in: `done`, or why it does not get there. */
  readonly end: Exclude<Outcome, { next: 'step' }>;
}

const mostSteps = 10_000;

/** All steps to a goal, as far as they can be foreseen: when nothing else happens meanwhile. Pure. */
export function planFor(hub: Hub, goal: Goal): Plan {
  return foresee(hub, (state) => nextStep(state, goal));
}

/** The same for whatever says what is next. Pure. */
export function foresee(hub: Hub, next: (hub: Hub) => Outcome): Plan {
  const steps: Step[] = [];
  for (let state = hub; steps.length < mostSteps; ) {
    const outcome = next(state);
    if (outcome.next !== 'step') return { steps, end: outcome };
    steps.push(outcome.step);
    state = after(state, outcome.step);
  }
  throw new Error('a plan for the hub does not end');
}

/** The hub when a step has been done and every copy caught up. */
export function after(hub: Hub, step: Step): Hub {
  const change = (name: string, to: (stream: Stream) => Stream): Hub => ({
    ...hub,
    streams: hub.streams.map((stream) => (stream.name === name ? to(stream) : stream)),
  });
  switch (step.do) {
    case 'start': {
      const members = [...hub.members, { server: step.server, online: true, current: true }];
      return { ...hub, members, streams: hub.streams.map((one) => filled(one, members)) };
    }
    case 'copies':
      return change(step.stream, (stream) => resized(stream, step.to, hub.members));
    case 'lead':
      return change(step.stream, (stream) => ({ ...stream, leader: step.to }));
    case 'leadHub':
      return { ...hub, leader: step.to };
    case 'moveCopy':
      return change(step.stream, (stream) => moved(stream, step, hub.members));
    case 'forget': {
      const members = hub.members.filter(({ server }) => server !== step.server);
      return {
        ...hub,
        members,
        streams: hub.streams.map((stream) => without(stream, step.server, members)),
      };
    }
  }
}

function resized(stream: Stream, to: number, members: readonly Member[]): Stream {
  const { copies, leader } = stream;
  if (copies.length <= to) return filled({ ...stream, replicas: to }, members);
  const kept = copies.filter(({ server }) => server !== leader).slice(0, to - 1);
  return {
    ...stream,
    replicas: to,
    copies: copies.filter((copy) => kept.includes(copy) || copy.server === leader),
  };
}

function moved(
  stream: Stream,
  { from, region }: { from: string; region: string },
  members: readonly Member[],
): Stream {
  const to = members.find(({ server, online }) => online && regionOf(server) === region);
  const copies = stream.copies.filter(({ server }) => server !== from);
  if (!to) return stream;
  return { ...stream, copies: [...copies, { ...to, lag: 0 }] };
}

/** A server that is taken out of the hub has its copies' places taken, where there is another. */
function without(stream: Stream, server: string, members: readonly Member[]): Stream {
  const copies = stream.copies.filter((copy) => copy.server !== server);
  if (copies.length === stream.copies.length) return stream;
  const left = { ...stream, copies };
  const size = stream.copies.length;
  const whole = { ...filled({ ...left, replicas: size }, members), replicas: stream.replicas };
  const leader = stream.leader === server ? copies.find(isWhole)?.server : stream.leader;
  return { ...whole, leader };
}

/** Never two copies in a region. */
function filled(stream: Stream, members: readonly Member[]): Stream {
  const copies: Copy[] = [...stream.copies];
  for (const { server, online } of members) {
    if (copies.length >= stream.replicas) break;
    if (!online || copies.some((copy) => regionOf(copy.server) === regionOf(server))) continue;
    copies.push({ server, online: true, current: true, lag: 0 });
  }
  return { ...stream, copies };
}
