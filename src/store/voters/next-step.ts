import {
  type Hub,
  hasMajority,
  isComplete,
  isWhole,
  type Member,
  regionOf,
  type Stream,
  voterOf,
  wholeCopies,
} from './hub.ts';

/** What the hub is to become. */
export interface Goal {
  /** Regions that are to hold a voter: one, three or five. */
  readonly voters: readonly string[];
  /** Whether voters may be added, and copies on them. */
  readonly add: boolean;
  /** Whether voters that are not among `voters` may be taken out. */
  readonly remove: boolean;
  /** Region whose voter is lost for good, disk and all. */
  readonly replace?: string | undefined;
}

/** One change of the hub. The next one begins when every copy is current again. */
export type Step =
  | { readonly do: 'start'; readonly server: string; readonly region: string }
  | {
      readonly do: 'copies';
      readonly stream: string;
      readonly from: number;
      readonly to: number;
    }
  | { readonly do: 'lead'; readonly stream: string; readonly from: string; readonly to: string }
  | { readonly do: 'leadHub'; readonly from: string; readonly to: string }
  | {
      readonly do: 'moveCopy';
      readonly stream: string;
      readonly from: string;
      readonly region: string;
    }
  | { readonly do: 'forget'; readonly server: string; readonly online: boolean };

export type RefusalCode =
  | 'hub_alone'
  | 'hub_to_one'
  | 'hub_name_unknown'
  | 'no_quorum'
  | 'voter_down'
  | 'voter_missing'
  | 'not_a_voter'
  | 'no_such_bucket'
  | 'would_lose_quorum';

export type Outcome =
  | { readonly next: 'done' }
  | { readonly next: 'step'; readonly step: Step }
  | { readonly next: 'wait'; readonly why: string }
  | { readonly next: 'refused'; readonly code: RefusalCode; readonly why: string };

/**
 * The one thing to do now. Whoever carries it out asks again with what the servers tell then,
 * so a run that was interrupted is taken up by the next one.
 *
 *   refused ◀── no majority, a voter is down, a copy would be the last one
 *      ▲
 *   look ──▶ start ──▶ copies ──▶ lead ──▶ forget ──▶ copies ──▶ done
 *      ▲   a voter    more      elsewhere  a voter    fewer        │
 *      └────────────── wait: a copy is behind ◀────────────────────┘
 *
 * Why nothing that was confirmed is lost: a stream's group is changed by one server at a
 * time, so that each majority of before meets each one of after, also while some servers have heard
 * of the change and others have not; and only when the current copies that stay are a majority
 * of the group before and after (`losesQuorum`). Two copies more at once, from three to five, would let
 * two of the three and the third with both new ones each confirm what the others do not know of.
 * A voter that lost its disk comes back as another one: with its old name and an empty log
 * it could elect, with a server that was behind, a leader that misses a confirmed write.
 *
 * Pure.
 */
export function nextStep(hub: Hub, goal: Goal): Outcome {
  return (
    standsStill(hub) ??
    cannotReach(hub, goal) ??
    isDown(hub, goal) ??
    starting(hub, goal) ??
    settling(hub) ??
    raising(hub, goal) ??
    forgetting(hub, goal) ??
    lowering(hub, goal) ?? { next: 'done' }
  );
}

/** They are about who answers, and with what. */
const ofTheMoment: ReadonlySet<RefusalCode> = new Set([
  'no_quorum',
  'voter_down',
  'voter_missing',
  'would_lose_quorum',
]);

/**
 * Whether another look may have it otherwise: a server that did not answer in time looks like one
 * that is gone. What the configuration is to blame for is certain, and so is what a hub says that
 * has answered whole. Pure.
 */
export function mayPass(hub: Hub, outcome: Outcome): boolean {
  return outcome.next === 'refused' && ofTheMoment.has(outcome.code) && !isComplete(hub);
}

type Maybe = Outcome | undefined;

/** Refused whatever the change: there is nobody to decide it. */
export function standsStill({ clustered, leader, members, streams }: Hub): Maybe {
  if (members.length === 0) return refused('no_quorum', 'no voter answers');
  if (!clustered) {
    return refused(
      'hub_alone',
      'the hub is one voter without a cluster, which takes no other in: its buckets are saved and restored ("meridian store found" in a stack, else "store save" and "restore")',
    );
  }
  const online = members.filter((member) => member.online).length;
  if (leader === undefined || online * 2 <= members.length) {
    return refused('no_quorum', `${online} of ${members.length} voters answer: no majority`);
  }
  const strange = members.find(({ server }) => voterOf(server) === undefined);
  if (strange) {
    return refused('hub_name_unknown', `"${strange.server}" is no name of a voter (hub-REGION)`);
  }
  const stuck = streams.find((stream) => !hasMajority(stream));
  if (!stuck) return undefined;
  const copies = `${wholeCopies(stuck)} of ${stuck.copies.length} copies are current`;
  const why =
    stuck.leader === undefined ? `nobody leads ${stuck.name}` : `${stuck.name}: ${copies}`;
  return refused('no_quorum', `${why}: no majority`);
}

function cannotReach({ members }: Hub, { voters, replace, remove }: Goal): Maybe {
  if (replace !== undefined && !voters.includes(replace)) {
    const list = voters.join(', ');
    return refused('not_a_voter', `region "${replace}" is to hold no voter; these are: ${list}`);
  }
  if (remove && voters.length < 3 && members.length >= 3) {
    return refused('hub_to_one', 'a hub of three voters cannot become one voter while it serves');
  }
  return undefined;
}

/** A voter that does not answer, and that this change is not about. */
function isDown(hub: Hub, goal: Goal): Maybe {
  const down = hub.members.find(
    ({ online, server }) =>
      !online &&
      regionOf(server) !== goal.replace &&
      !(goal.remove && isSurplus(hub, goal, server)),
  );
  if (!down) return undefined;
  const region = regionOf(down.server);
  const how = goal.voters.includes(region)
    ? `start it, or "meridian store replace ${region}" if its disk is lost`
    : 'start it, or "meridian store remove" takes it out';
  return refused('voter_down', `${down.server} does not answer: ${how}`);
}

function starting({ members, streams }: Hub, { voters, add, replace }: Goal): Maybe {
  const inRegion = (region: string) => members.filter(({ server }) => regionOf(server) === region);
  const region = voters.find((one) => {
    const own = inRegion(one);
    if (own.some(({ online }) => online)) return false;
    return one === replace || (add && own.length === 0);
  });
  if (region === undefined) return undefined;
  // A stream that lacks copies takes one on whoever joins, empty as it is.
  const short = streams.find(
    (stream) =>
      stream.copies.length < stream.replicas && wholeCopies(stream) * 2 <= stream.replicas,
  );
  if (short) {
    const { name, replicas, copies } = short;
    const step = { do: 'copies', stream: name, from: replicas, to: copies.length } as const;
    return { next: 'step', step };
  }
  const instances = inRegion(region).map(({ server }) => voterOf(server)!.instance);
  const instance = Math.max(0, ...instances) + 1;
  const server = instance === 1 ? `hub-${region}` : `hub-${region}_${instance}`;
  return { next: 'step', step: { do: 'start', server, region } };
}

/** What is on its way: nothing is changed until it is there. */
function settling({ members, streams }: Hub): Maybe {
  const joining = members.find((member) => member.online && !member.current);
  if (joining) return { next: 'wait', why: `${joining.server} joins the hub` };
  const online = (server: string) => members.some((one) => one.server === server && one.online);
  const known = (server: string) => members.some((one) => one.server === server);
  for (const { name, copies } of streams) {
    const leaving = copies.find(({ server }) => !known(server));
    if (leaving) return { next: 'wait', why: `${name}: its copy on ${leaving.server} goes` };
    const behind = copies.find((copy) => !isWhole(copy) && online(copy.server));
    if (!behind) continue;
    const lag = behind.lag > 0 ? `, ${behind.lag} operations behind` : '';
    return { next: 'wait', why: `${name}: the copy on ${behind.server} catches up${lag}` };
  }
  return undefined;
}

/** Copies that are wanted, and those that were to be and found no place at the time. */
function raising(hub: Hub, { voters, add }: Goal): Maybe {
  const places = new Set(hub.members.filter(isWhole).map(({ server }) => regionOf(server))).size;
  for (const stream of hub.streams) {
    const { name, replicas, copies } = stream;
    const wanted = Math.min(add ? Math.max(replicas, voters.length) : replicas, places);
    if (copies.length >= wanted) continue;
    // A number that is what it was changes nothing: first it is made what is there.
    const to = replicas > copies.length ? copies.length : copies.length + 1;
    if (wholeCopies(stream) * 2 > to) {
      return { next: 'step', step: { do: 'copies', stream: name, from: replicas, to } };
    }
    const few = `${wholeCopies(stream)} current copies are no majority of ${to}`;
    return refused('would_lose_quorum', `${name}: ${few}`);
  }
  return undefined;
}

function forgetting(hub: Hub, goal: Goal): Maybe {
  const { members } = hub;
  const surplus = members
    .filter((member) => mayGo(hub, goal, member))
    .sort((a, b) => Number(a.online) - Number(b.online))[0];
  if (!surplus) return undefined;
  const missing = goal.voters.find(
    (region) => !members.some((one) => isWhole(one) && regionOf(one.server) === region),
  );
  if (missing !== undefined) {
    return refused(
      'voter_missing',
      `the voter of ${missing} is not there yet: "meridian store grow" adds it first`,
    );
  }
  const { server, online } = surplus;
  const loss = losesQuorum(hub.streams, server);
  if (loss) return refused('would_lose_quorum', `${server} cannot be taken out: ${loss}`);
  return {
    next: 'step',
    step: leadsElsewhere(hub, goal, server) ?? { do: 'forget', server, online },
  };
}

/**
 * Whether a stream would be without a majority of current copies once this server is out:
 * its place may be taken by a server that has nothing yet, so the group may stay as large.
 */
function losesQuorum(streams: readonly Stream[], server: string): string | undefined {
  for (const stream of streams) {
    if (!stream.copies.some((copy) => copy.server === server)) continue;
    const left = wholeCopies(stream, server);
    if (left * 2 > stream.copies.length) continue;
    return left === 0
      ? `its copy of ${stream.name} is the last one`
      : `${stream.name} would have ${left} current copies of ${stream.copies.length}`;
  }
  return undefined;
}

function leadsElsewhere(
  { streams, members, leader }: Hub,
  goal: Goal,
  server: string,
): Step | undefined {
  const stays = (one: string) => one !== server && goal.voters.includes(regionOf(one));
  for (const { name, leader: leads, copies } of streams) {
    const to = copies.find((copy) => isWhole(copy) && stays(copy.server));
    if (leads === server && to) return { do: 'lead', stream: name, from: server, to: to.server };
  }
  const to = members.find((member) => isWhole(member) && stays(member.server));
  return leader === server && to ? { do: 'leadHub', from: server, to: to.server } : undefined;
}

/** No number is lowered before the surplus is gone: the servers would choose which copies go. */
function lowering({ streams }: Hub, { voters, remove }: Goal): Maybe {
  if (!remove) return undefined;
  const stream = streams.find(({ replicas }) => replicas > voters.length);
  if (!stream) return undefined;
  const { name, replicas } = stream;
  return { next: 'step', step: { do: 'copies', stream: name, from: replicas, to: voters.length } };
}

function mayGo(hub: Hub, goal: Goal, { server, online }: Member): boolean {
  if (!isSurplus(hub, goal, server)) return false;
  return goal.remove || (regionOf(server) === goal.replace && !online);
}

/** In a region that is to hold none, or beside a newer one of its region that is there. */
function isSurplus({ members }: Hub, { voters }: Goal, server: string): boolean {
  const { region, instance } = voterOf(server)!;
  if (!voters.includes(region)) return true;
  return members.some((other) => {
    const newer = voterOf(other.server);
    return other.online && newer?.region === region && newer.instance > instance;
  });
}

function refused(code: RefusalCode, why: string): Outcome {
  return { next: 'refused', code, why };
}
