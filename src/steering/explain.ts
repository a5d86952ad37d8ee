import { type StateName, stateNames } from '../health/table.ts';
import { nextChance } from './chance.ts';
import { choose, inForce, isExcluded, knownClient, narrow, settle } from './choose.ts';
import type { SteeringContext } from './context.ts';
import { type CandidateAddress, judgeAddresses } from './explain-addresses.ts';
import { distanceKm } from './geo/distance.ts';
import { type Grade, grade, gradeOf, gradeRegion, serviceState, worse } from './grade.ts';
import { biasedKm, placeOf } from './policies/geoproximity.ts';
import { distanceTo, latencyTo } from './policies/latency.ts';
import type { Branch, Choice, ClientNetwork, SteeredAnswer, SteeredSet } from './record-set.ts';
import { isByChance, isGivenAway } from './shifts/drain.ts';

/** What stood for and against one answer. */
export interface Candidate {
  /** Index into `SteeredSet.answers`. */
  readonly answer: number;
  /** Region name, or `-` for an answer tied to none. */
  readonly region: string;
  /** Name of the record set that the answer comes from, where it is a branch. */
  readonly alias?: string;
  readonly gateway: StateName | '-';
  readonly service: StateName | '-';
  /** Name and state of the check that the answer has besides. */
  readonly check?: string;
  readonly checkState?: StateName;
  readonly draining: boolean;
  /** Whether residency lets the region answer at all; of a branch, whether it has anything to give. */
  readonly allowed: boolean;
  readonly usable: 'healthy' | 'unknown' | 'standby' | 'lastResort' | 'no';
  /** Of a weighted record set. */
  readonly weight?: number;
  /** Of a failover record set. */
  readonly role?: 'primary' | 'secondary';
  /** Measured round trip from the client's network: of the operator's table, or reported. */
  readonly latencyMs?: number;
  /** Of `latencyMs`, where browsers of the client's network reported it: how far they differ. */
  readonly spreadMs?: number;
  /** How many reports it rests on; old ones count for less. */
  readonly reports?: number;
  /** What that is worth, from 0 to 1. */
  readonly confidence?: number;
  /** On average, as they decay. */
  readonly reportAgeSeconds?: number;
  /** From the client's location, or without one from the region that is asked. */
  readonly distanceKm?: number;
  /** The same after the bias of a geoproximity answer. */
  readonly biasedKm?: number;
  /** `country DE`, `10.0.0.0/8`: what holds the client. Absent where the policy does not ask that. */
  readonly clientIn?: string;
  readonly why: string;
  /** Absent where the region publishes one address, or the answer has data of its own. */
  readonly addresses?: readonly CandidateAddress[];
}

export interface ExplainedChoice extends Choice {
  readonly candidates: readonly Candidate[];
  /** From this record set down to the answer: which rule decided in each. Absent without branches. */
  readonly path?: readonly string[];
  /** The choices of all record sets below, each once. Absent without branches. */
  readonly below?: readonly ExplainedBranch[];
  /** What the geo database says about the client. Absent without client or database. */
  readonly clientLocation?: string;
}

/** What a record set below would answer, whether it is asked or not. */
export interface ExplainedBranch
  extends Pick<SteeredSet, 'routing' | 'evaluate' | 'lastResort'>,
    Pick<ExplainedChoice, 'rule' | 'scopeBits' | 'candidates'> {
  readonly recordSet: string;
}

/** Of a set with more answers, only those that are for the client are candidates. */
const mostForOthers = 50;

/** The choice that `choose` makes for the same arguments, with the reasons. */
export function explainChoice(
  compiled: SteeredSet,
  client: ClientNetwork | undefined,
  context: SteeringContext,
  random: number,
): ExplainedChoice {
  const choice = choose(compiled, client, context, random);
  const set = inForce(compiled, context);
  const known = knownClient(client);
  const located = known && context.locate(known.address);
  const tiers = tiersOf(set, known, context);
  const candidates: Candidate[] = [];
  for (const [answer, steered] of set.answers.entries()) {
    const clientIn = tiers?.get(answer);
    const isForOthers = tiers !== undefined && clientIn === undefined;
    if (isForOthers && set.answers.length > mostForOthers) continue;
    candidates.push({
      ...judge({ set, answer, client: known, context, random }, choice, isForOthers),
      ...settings(set, steered),
      ...measure(set, steered, known, context),
      ...(clientIn !== undefined && { clientIn }),
      ...judgeAddresses(set, answer, context, choice),
    });
  }
  const below = explainBelow(set, known, context, random);
  return {
    ...choice,
    rule: choice.rule + measurement(choice, candidates),
    candidates,
    ...(choice.branches && { path: pathOf(set, choice) }),
    ...(below.length > 0 && { below }),
    ...(located && { clientLocation: located.label }),
  };
}

/** What stands behind a choice by what browsers reported. */
function measurement({ answers }: Choice, candidates: readonly Candidate[]): string {
  const chosen = candidates.find(({ answer }) => answer === answers[0]);
  if (chosen?.reports === undefined) return '';
  const { region, latencyMs, spreadMs, reports, confidence, reportAgeSeconds } = chosen;
  const how = `${reports} reports, confidence ${confidence}, on average ${reportAgeSeconds} s old`;
  return ` (${latencyMs} ms to ${region}, ± ${spreadMs} ms, by ${how})`;
}

function settings({ routing }: SteeredSet, { weight, role }: SteeredAnswer) {
  return {
    ...(routing === 'weighted' && { weight }),
    ...(routing === 'failover' && role !== undefined && { role }),
  };
}

/** `weighted: by chance …`, `eu.api: failover: the primary …`: by the first answer of each. */
export function pathOf(set: SteeredSet, choice: Choice): readonly string[] {
  const below = choice.branches?.[0];
  const branch = set.answers[choice.answers[0] ?? -1]?.branch;
  if (!branch) return [choice.rule];
  if (!branch.set || !below) return [choice.rule, `${branch.name}: plain record set`];
  const [first, ...rest] = pathOf(branch.set, below);
  return [choice.rule, `${branch.name}: ${first}`, ...rest];
}

function explainBelow(
  set: SteeredSet,
  client: ClientNetwork | undefined,
  context: SteeringContext,
  random: number,
): readonly ExplainedBranch[] {
  const found = new Map<string, ExplainedBranch>();
  for (const { branch } of set.answers) {
    if (!branch?.set || found.has(branch.name)) continue;
    const { routing, evaluate, lastResort } = branch.set;
    const explained = explainChoice(branch.set, client, context, nextChance(random));
    const { rule, scopeBits, candidates, below = [] } = explained;
    const recordSet = branch.name;
    for (const one of [
      { recordSet, routing, evaluate, lastResort, rule, scopeBits, candidates },
      ...below,
    ]) {
      if (!found.has(one.recordSet)) found.set(one.recordSet, one);
    }
  }
  return [...found.values()];
}

/** Name of the smallest tier of the client that each answer is in. */
function tiersOf(set: SteeredSet, client: ClientNetwork | undefined, context: SteeringContext) {
  const narrowed = narrow(set, client, context);
  if (!narrowed) return undefined;
  const names = new Map<number, string>();
  for (let { tier } = narrowed; tier; tier = tier.wider) {
    for (const answer of tier.answers) if (!names.has(answer)) names.set(answer, tier.name);
  }
  return names;
}

interface Judged {
  readonly set: SteeredSet;
  readonly answer: number;
  readonly client: ClientNetwork | undefined;
  readonly context: SteeringContext;
  readonly random: number;
}

function judge(judged: Judged, choice: Choice, isForOthers: boolean) {
  const { set, answer, context } = judged;
  const { region, branch, check } = set.answers[answer]!;
  const { states, topology } = context;
  const own = fitnessOf(judged);
  const checkState = check === undefined ? undefined : states.check(check);
  const checked = checkState === undefined ? grade.healthy : gradeOf(checkState);
  const fitness = worse(own, checked);
  const outcome = choice.answers.includes(answer) ? 'chosen' : 'not chosen';
  const tied = region >= 0 && !branch;
  const checkName = topology.checks[check ?? -1]?.name ?? '';
  const isOfCheck = checked > own || (checkState !== undefined && !tied && !branch);
  let reason = branch ? reasonOfBranch(own, branch) : reasonOf(own, set, region, context);
  if (isOfCheck) reason = reasonOfCheck(checked, checkName);
  return {
    answer,
    region: topology.regions[region]?.name ?? '-',
    ...(branch && { alias: branch.name }),
    gateway: tied ? stateNames[states.gateway(region)] : '-',
    service:
      tied && set.service >= 0 ? stateNames[serviceState(set.service, region, context)] : '-',
    ...(checkState !== undefined && { check: checkName, checkState: stateNames[checkState] }),
    draining: tied && states.draining(region),
    allowed: fitness !== grade.forbidden,
    usable: isForOthers ? 'no' : usability(fitness, set),
    why: isForOthers ? `${whyForOthers(set)}: not chosen` : `${reason}: ${outcome}`,
  } as const;
}

function whyForOthers({ routing }: SteeredSet): string {
  return routing === 'exclusive' ? 'it is not the active region' : 'it is for other clients';
}

/** Without its check. */
function fitnessOf(judged: Judged): Grade {
  const { set, answer, client, context, random } = judged;
  const steered = set.answers[answer]!;
  const { branch } = steered;
  if (!branch) return drained(judged, gradeRegion(set, steered.region, context));
  if (!branch.set || !branch.evaluate) return grade.healthy;
  return settle(branch.set, client, context, nextChance(random)).fitness;
}

/** As `choose` sees it: a check that is no good goes before. */
function drained({ set, answer, client, context, random }: Judged, graded: Grade): Grade {
  const { region } = set.answers[answer]!;
  const kept = context.shifted?.kept?.[region] ?? 1;
  if (kept >= 1 || graded >= grade.standby) return graded;
  const asked = isByChance(set) ? undefined : client;
  return isGivenAway(region, kept, asked, random) ? grade.standby : graded;
}

function reasonOfCheck(checked: Grade, name: string): string {
  if (checked === grade.healthy) return `check ${name} is healthy`;
  return checked === grade.unknown
    ? `no evidence from check ${name} yet`
    : `check ${name} is unhealthy`;
}

function reasonOfBranch(fitness: Grade, { set, evaluate }: Branch): string {
  if (!set) return 'a plain record set, so always healthy';
  if (!evaluate) return 'its health is not evaluated';
  if (fitness === grade.forbidden) return 'it has nothing to give';
  if (fitness === grade.healthy) return 'it has a healthy answer';
  if (fitness === grade.standby) return 'its region gives this client to others';
  return fitness === grade.unknown
    ? 'no evidence about its health yet'
    : 'it has no healthy answer';
}

function usability(fitness: Grade, set: SteeredSet): Candidate['usable'] {
  if (isExcluded(fitness, set)) return 'no';
  if (fitness === grade.healthy) return 'healthy';
  if (fitness === grade.standby) return 'standby';
  return fitness === grade.unknown ? 'unknown' : 'lastResort';
}

function reasonOf(
  fitness: Grade,
  set: SteeredSet,
  region: number,
  context: SteeringContext,
): string {
  const service = context.topology.services[set.service]?.name ?? '';
  switch (fitness) {
    case grade.healthy:
      if (region < 0) return 'tied to no region, so always healthy';
      return set.evaluate === 'none' ? 'health is not evaluated' : 'healthy';
    case grade.unknown:
      return 'no evidence about its health yet';
    case grade.standby:
      return 'its region is being drained by weight, and gives this client to others';
    case grade.degraded:
      if (context.topology.regions[region]?.edge) return `no region is fit to serve ${service}`;
      return hasEndpoints(set.service, region, context)
        ? `service ${service} is unhealthy there`
        : `service ${service} has no endpoint there`;
    case grade.dead:
      return 'its gateway is unhealthy';
    case grade.withdrawn:
      return context.states.controlOn(region) ? 'draining' : 'switched off by a routing control';
    case grade.forbidden:
      return context.topology.regions[region]?.serves
        ? `residency of service ${service} forbids it`
        : 'a witness serves nothing';
  }
}

function hasEndpoints(service: number, region: number, { topology }: SteeringContext): boolean {
  return (topology.services[service]?.endpoints[region]?.length ?? 0) > 0;
}

function measure(
  { routing }: SteeredSet,
  answer: SteeredAnswer,
  client: ClientNetwork | undefined,
  context: SteeringContext,
) {
  const { topology, ownRegion } = context;
  const { region, bias = 0 } = answer;
  const located = client && context.locate(client.address)?.location;
  const origin = located ?? topology.regions[ownRegion]?.location;
  if (routing === 'geoproximity') {
    const place = placeOf(answer, topology);
    if (!origin || !place) return {};
    const distance = distanceKm(origin, place);
    const biased = Math.round(biasedKm(distance, bias));
    return { distanceKm: Math.round(distance), ...(bias !== 0 && { biasedKm: biased }) };
  }
  if (region < 0) return {};
  const distance = distanceTo(origin, topology, region);
  return {
    ...(client && measuredTo(client, region, context)),
    ...(Number.isFinite(distance) && { distanceKm: Math.round(distance) }),
  };
}

function measuredTo({ address }: ClientNetwork, region: number, context: SteeringContext) {
  const { value, from } = context.latency.find(address);
  if (from !== 'reports') {
    const latencyMs = value ? latencyTo(value, region) : Number.POSITIVE_INFINITY;
    return Number.isFinite(latencyMs) ? { latencyMs } : {};
  }
  const reported = context.reported?.find(address, context.topology.regions[region]?.name ?? '');
  if (!reported) return {};
  const { medianMs: latencyMs, spreadMs, reports, confidence, ageMs } = reported;
  return { latencyMs, spreadMs, reports, confidence, reportAgeSeconds: Math.round(ageMs / 1_000) };
}
