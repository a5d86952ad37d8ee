import type { AnswerConfig } from '../../config/schema/answer.ts';
import type { RecordSetConfig, ZoneConfig } from '../../config/schema/zone.ts';
import type { Topology } from '../../config/topology.ts';
import { parseNetwork } from '../../steering/network.ts';
import type { SteeredAnswer, SteeredSet } from '../../steering/record-set.ts';
import { seedOf } from '../../steering/sticky.ts';
import { AreaIndex } from '../../steering/tiers/area-index.ts';
import { NetworkIndex } from '../../steering/tiers/network-index.ts';
import type { DomainName } from '../wire/name.ts';
import type { Rdata, RecordType } from '../wire/records/record-type.ts';
import { recordType, typeCode } from '../wire/records/registry.ts';
import type { ZoneProblems } from './problems.ts';
import type { RecordSet, Steering } from './zone.ts';

/** Where a record set stands: its zone, the path for messages, and where problems go. */
export interface RecordSetPlace {
  readonly origin: DomainName;
  readonly zone: ZoneConfig;
  readonly topology: Topology;
  readonly path: string;
  readonly problems: ZoneProblems;
  /** The record set of this type that an answer leads to. `undefined`: a problem, reported at `path`. */
  branch(name: string, path: string): RecordSet | undefined;
}

/** Encodes a configured record set. `undefined` when it has problems (reported at its place). */
export function compileRecordSet(
  config: RecordSetConfig,
  place: RecordSetPlace,
): RecordSet | undefined {
  const type = recordType(typeCode(config.type)!)!;
  const encode = new RecordEncoder(type, place);
  const ttlSeconds = (config.ttl ?? place.zone.ttl) / 1_000;
  if (config.values) {
    if (config.answers) place.problems.add(place.path, 'has both `values` and `answers`');
    if (config.routing !== 'simple') {
      place.problems.add(
        place.path,
        `routing \`${config.routing}\` needs \`answers\`, not \`values\``,
      );
    }
    const records = encode.all(config.values, `${place.path}.values`);
    if (type.name === 'CNAME' && records.length > 1) {
      place.problems.add(`${place.path}.values`, 'a CNAME has one value');
    }
    return { type: type.code, ttlSeconds, records, steering: undefined };
  }
  const answers = config.answers ?? defaultAnswers(config, place);
  if (!answers) return undefined;
  const steering = compileSteering(config, answers, type, place, encode);
  if (!steering) return undefined;
  const ttls = steering.branches?.flatMap((branch) => branch?.ttlSeconds ?? []) ?? [];
  return { type: type.code, ttlSeconds: Math.min(ttlSeconds, ...ttls), records: [], steering };
}

function compileSteering(
  config: RecordSetConfig,
  answers: readonly AnswerConfig[],
  type: RecordType,
  place: RecordSetPlace,
  encode: RecordEncoder,
): Steering | undefined {
  const isPlain = config.routing === 'simple' && config.exclusive === undefined;
  if (type.name === 'CNAME' && isPlain && answers.length > 1) {
    place.problems.add(place.path, 'a simple CNAME has one answer');
  }
  const compiled: CompiledAnswer[] = [];
  for (const [index, answer] of answers.entries()) {
    const path = config.answers ? `${place.path}.answers[${index}]` : place.path;
    const one = compileAnswer(answer, path, type, place, encode);
    if (!one) return undefined;
    compiled.push(one);
  }
  const records = compiled.map((one) => one.records);
  const branches = compiled.map((one) => one.branch);
  const hasBranches = branches.some((branch) => branch !== undefined);
  const all = records.flat();
  const { lastResort } = config;
  return {
    set: steeredSet(config, answers, place, compiled),
    records,
    ...(hasBranches && { branches }),
    ...(typeof lastResort !== 'string' && {
      fixed: encode.all(lastResort.fixed, `${place.path}.lastResort.fixed`),
    }),
    overlapping: hasBranches || new Set(all).size < all.length,
  };
}

interface CompiledAnswer {
  readonly steered: SteeredAnswer;
  readonly records: readonly Rdata[];
  readonly branch: RecordSet | undefined;
}

function compileAnswer(
  answer: AnswerConfig,
  path: string,
  type: RecordType,
  place: RecordSetPlace,
  encode: RecordEncoder,
): CompiledAnswer | undefined {
  const region = answer.region === undefined ? -1 : place.topology.regionIndex.get(answer.region);
  if (region === undefined) {
    place.problems.add(`${path}.region`, `there is no region ${JSON.stringify(answer.region)}`);
    return undefined;
  }
  const check = answer.check === undefined ? undefined : indexOfCheck(answer.check, path, place);
  const steered = { ...steeredAnswer(region, answer), ...(check !== undefined && { check }) };
  if (answer.alias !== undefined) {
    const branch = place.branch(answer.alias, `${path}.alias`);
    if (!branch) return undefined;
    const { evaluateTargetHealth: evaluate = true, alias: name } = answer;
    const below = { name, set: branch.steering?.set, evaluate };
    return { steered: { ...steered, branch: below }, records: [], branch };
  }
  const values = answer.values ?? defaultValues(type, region, place, path);
  const addresses = answer.values ? undefined : severalAddresses(type, region, place);
  if (type.name === 'CNAME' && values.length > 1) {
    place.problems.add(`${path}.values`, 'a CNAME has one value');
  }
  return {
    steered: addresses ? { ...steered, addresses } : steered,
    records: encode.all(values, `${path}.values`),
    branch: undefined,
  };
}

function steeredSet(
  {
    routing,
    evaluate,
    service: serviceName,
    lastResort,
    minimumHealthyShare,
    stickyBy,
    exclusive,
  }: RecordSetConfig,
  answers: readonly AnswerConfig[],
  place: RecordSetPlace,
  compiled: readonly CompiledAnswer[],
): SteeredSet {
  const service = serviceName === undefined ? -1 : indexOfService(serviceName, place);
  const set = exclusive === undefined ? undefined : place.topology.exclusiveIndex.get(exclusive);
  return {
    routing: set === undefined ? routing : 'exclusive',
    ...(set !== undefined && { exclusive: set }),
    evaluate: evaluate === 'service' && service < 0 ? 'gateway' : evaluate,
    service,
    lastResort: typeof lastResort === 'string' ? lastResort : 'fixed',
    ...(minimumHealthyShare !== undefined && { minimumHealthyShare }),
    ...(stickyBy && { stickyBy }),
    answers: compiled.map(({ steered }, index) =>
      stickyBy ? { ...steered, seed: seedOf(identityOf(answers[index]!)) } : steered,
    ),
    ...tiersOf(routing, answers),
  };
}

/** The same for an answer in every revision and place of its list. */
function identityOf({ region = '', alias = '', values = [] }: AnswerConfig): string {
  return [region, alias, ...values].join('\n');
}

function steeredAnswer(region: number, { weight, role, location, bias }: AnswerConfig) {
  const { latitude, longitude } = location ?? {};
  const isPlace = latitude !== undefined && longitude !== undefined;
  return {
    region,
    weight,
    role,
    ...(isPlace && { location: { latitude, longitude } }),
    ...(bias !== undefined && { bias }),
  } satisfies SteeredAnswer;
}

/** What tells which answers are for which clients, where the policy asks that first. */
function tiersOf(
  routing: SteeredSet['routing'],
  answers: readonly AnswerConfig[],
): Pick<SteeredSet, 'areas' | 'networks'> {
  if (routing === 'geolocation') {
    return { areas: new AreaIndex(answers.map(({ location = {} }) => location)) };
  }
  if (routing !== 'cidr') return {};
  return {
    networks: new NetworkIndex(answers.map(({ networks = [] }) => networks.map(parseNetwork))),
  };
}

/**
 * `latency` without answers: every region that serves; with a service whose state counts,
 * every region that serves *it*, since the others could only be a last resort. Of an exclusive
 * set its regions.
 */
function defaultAnswers(
  config: RecordSetConfig,
  { topology, path, problems }: RecordSetPlace,
): AnswerConfig[] | undefined {
  const exclusive = topology.exclusive[topology.exclusiveIndex.get(config.exclusive ?? '') ?? -1];
  if (exclusive) return exclusive.config.regions.map((region) => ({ region, weight: 1 }));
  if (config.routing !== 'latency') {
    problems.add(path, 'has neither `values` nor `answers`');
    return undefined;
  }
  const index = topology.serviceIndex.get(config.service ?? '');
  const endpoints = index === undefined ? undefined : topology.services[index]?.endpoints;
  return topology.regions
    .filter(({ serves }) => serves)
    .filter((region) => config.evaluate !== 'service' || endpoints?.[region.index]?.length !== 0)
    .map(({ name }) => ({ region: name, weight: 1 }));
}

/** The addresses of the region that health chooses from, if it publishes more than one. */
function severalAddresses(
  type: RecordType,
  region: number,
  { topology }: RecordSetPlace,
): readonly number[] | undefined {
  const addresses = topology.regions[region]?.addresses ?? [];
  if (type.name !== 'A' || addresses.length < 2) return undefined;
  return addresses.map(({ index }) => index);
}

/** The published addresses of the region, for what is an IPv4 address. */
function defaultValues(
  type: RecordType,
  region: number,
  { topology, problems }: RecordSetPlace,
  path: string,
): readonly string[] {
  const info = topology.regions[region];
  if (type.name === 'A' && info) return info.addresses.map(({ address }) => address);
  problems.add(path, `needs \`values\`: only type A with a region has a default`);
  return [];
}

function indexOfService(service: string, { topology, path, problems }: RecordSetPlace): number {
  const index = topology.serviceIndex.get(service);
  if (index === undefined) {
    problems.add(`${path}.service`, `there is no service ${JSON.stringify(service)}`);
  }
  return index ?? -1;
}

function indexOfCheck(name: string, path: string, place: RecordSetPlace): number | undefined {
  const index = place.topology.checkIndex.get(name);
  if (index === undefined) {
    place.problems.add(`${path}.check`, `there is no check ${JSON.stringify(name)}`);
  }
  return index;
}

/** Text → data, with equal data as one object, and each at most once in a list. */
class RecordEncoder {
  readonly #type: RecordType;
  readonly #place: RecordSetPlace;
  readonly #known = new Map<string, Rdata>();

  constructor(type: RecordType, place: RecordSetPlace) {
    this.#type = type;
    this.#place = place;
  }

  all(values: readonly string[], path: string): readonly Rdata[] {
    const { origin, problems } = this.#place;
    const records = new Set<Rdata>();
    for (const [index, value] of values.entries()) {
      const data = problems.attempt(`${path}[${index}]`, () => this.#type.parse(value, origin));
      if (data) records.add(this.#unique(data));
    }
    return [...records];
  }

  #unique(data: Rdata): Rdata {
    const { head, names, tail, hints } = data;
    if (hints) return data;
    const keys = names.map(({ key }) => key).join('');
    const key = `${head.toString('latin1')}|${keys}|${tail.toString('latin1')}`;
    const known = this.#known.get(key) ?? data;
    this.#known.set(key, known);
    return known;
  }
}
