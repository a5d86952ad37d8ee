import { type ExplainedChoice, explainChoice, pathOf } from '../steering/explain.ts';
import type { ClientNetwork, SteeredSet } from '../steering/record-set.ts';
import { parseSubnet } from './client/subnet.ts';
import { DnsError } from './errors.ts';
import { compileDnsData, type DnsData, type DnsDataOptions } from './server/data.ts';
import { typeVerdict } from './server/type-verdict.ts';
import { extendedError, rcode, rcodeName } from './wire/codes.ts';
import type { MessageRecord } from './wire/message.ts';
import { type DomainName, parseName } from './wire/name.ts';
import { type Rdata, rdataBytes } from './wire/records/record-type.ts';
import { formatRdata, typeCode, typeName } from './wire/records/registry.ts';
import { type AnswerStep, type Resolution, resolve } from './zone/resolve.ts';

/** One record set on the way to the answer. */
export interface ExplainedStep {
  readonly name: string;
  readonly type: string;
  /** The name whose records these are, where an ALIAS led there. */
  readonly aliasOf?: string;
  /** Absent for a plain record set. */
  readonly steering?: ExplainedSteering;
}

/** How steering chose: by which policy and rule, among whom. */
export interface ExplainedSteering
  extends Pick<SteeredSet, 'routing' | 'evaluate' | 'lastResort'>,
    Pick<
      ExplainedChoice,
      'rule' | 'scopeBits' | 'candidates' | 'path' | 'below' | 'clientLocation'
    > {
  /** Name of the service whose state counts. */
  readonly service?: string;
}

/** Why a client gets what it gets. */
export interface DnsExplanation {
  readonly name: string;
  readonly type: string;
  readonly client: string;
  /** Region of the name server that is asked. */
  readonly region: string;
  /** Zone of the last name looked up. */
  readonly zone?: string;
  readonly rcode: string;
  readonly outcome: Resolution['outcome'];
  /** One sentence: what decided. */
  readonly rule: string;
  readonly answers: readonly MessageRecord[];
  readonly steps: readonly ExplainedStep[];
}

/** `data` spares compiling the zones once more, where a caller holds them. */
export interface ExplainOptions extends DnsDataOptions {
  readonly data?: DnsData;
}

/**
 * Explains the answer that the name server of `region` gives now to a resolver that sends
 * the network of `client` (an address, or `203.0.113.0/24`). Goes the way of a real query;
 * chance, where a policy uses it, always falls on its first choice.
 * Throws `bad_name`, `bad_lookup`; `bad_zone` without `data`.
 */
export function explainDns(
  options: ExplainOptions,
  name: string,
  type: string,
  client: string,
): DnsExplanation {
  const { zones, steering: context } = options.data ?? compileDnsData(options);
  const question = parseName(name);
  const code = typeCode(type);
  if (code === undefined)
    throw new DnsError('bad_lookup', `${JSON.stringify(type)} is no record type`);
  const network = parseClient(client);
  const asked = { name: question.toString(), type: typeName(code), client, region: options.region };
  const verdict = typeVerdict(code);
  if (verdict !== rcode.noError) {
    const rule = 'questions of this type are not answered';
    const nothing = { outcome: 'refused', rule, answers: [], steps: [] } as const;
    return { ...asked, ...nothing, rcode: rcodeName(verdict) };
  }
  const explained = new Map<SteeredSet, ExplainedChoice>();
  const resolution = resolve(zones, question.key, code, (set) => {
    const choice = explainChoice(set, network, context, 0);
    explained.set(set, choice);
    return choice;
  });
  const stepOf = (step: AnswerStep) => explainStep(step, question, explained, options);
  return {
    ...asked,
    ...(resolution.zone && { zone: resolution.zone.apex.toString() }),
    rcode: rcodeName(rcodeOf(resolution)),
    outcome: resolution.outcome,
    rule: ruleOf(resolution),
    answers: resolution.steps.flatMap((step) => recordsOf(step, question)),
    steps: resolution.steps.map(stepOf),
  };
}

function parseClient(client: string): ClientNetwork {
  const bits = client.includes('/') ? '' : client.includes(':') ? '/128' : '/32';
  const { address, sourceBits } = parseSubnet(`${client}${bits}`);
  return { address, prefixBits: sourceBits };
}

function rcodeOf({ outcome }: Resolution): number {
  if (outcome === 'refused') return rcode.refused;
  if (outcome === 'tooLong') return rcode.nameExists;
  if (outcome === 'unavailable') return rcode.serverFailure;
  return outcome === 'noName' ? rcode.nameError : rcode.noError;
}

function ruleOf({ outcome, steps, zone, cut }: Resolution): string {
  const { choice, set } = steps.findLast((step) => step.choice !== undefined) ?? {};
  if (outcome === 'refused') return 'the name is in none of our zones';
  if (outcome === 'unavailable') {
    const what = zone?.unavailable === extendedError.notReady ? 'has not come yet' : 'has expired';
    return `zone ${zone?.apex} comes from its primaries, and ${what}`;
  }
  if (outcome === 'noName') return `zone ${zone?.apex} has no such name`;
  if (outcome === 'tooLong') return 'a DNAME leads to a name that is too long';
  if (outcome === 'unknown') {
    return 'an alias of a name outside of the zones here: name servers ask a resolver for its addresses';
  }
  if (outcome === 'referral') return `${cut?.name} is delegated to other name servers`;
  if (choice && set?.steering) return pathOf(set.steering.set, choice).join(' → ');
  if (outcome === 'noData') return 'the name exists, but has no record of this type';
  return 'plain record set: the same for every client';
}

function explainStep(
  { owner, set }: AnswerStep,
  question: DomainName,
  explained: ReadonlyMap<SteeredSet, ExplainedChoice>,
  { topology }: DnsDataOptions,
): ExplainedStep {
  const name = (owner ?? question).toString();
  const type = typeName(set.type);
  const steered = set.steering?.set;
  const choice = steered && explained.get(steered);
  const aliasOf = set.aliasOf && { aliasOf: set.aliasOf.toString() };
  if (!choice) return { name, type, ...aliasOf };
  const service = topology.services[steered.service]?.name;
  const { routing, evaluate, lastResort } = steered;
  const { rule, scopeBits, candidates, path, below, clientLocation } = choice;
  return {
    name,
    type,
    ...aliasOf,
    steering: {
      routing,
      evaluate,
      lastResort,
      ...(service !== undefined && { service }),
      rule,
      scopeBits,
      ...(path && { path }),
      candidates,
      ...(below && { below }),
      ...(clientLocation !== undefined && { clientLocation }),
    },
  };
}

function recordsOf({ owner, set, records }: AnswerStep, question: DomainName): MessageRecord[] {
  return records.map((data) => ({
    name: (owner ?? question).toString(),
    type: typeName(set.type),
    ttl: set.ttlSeconds,
    data: formatData(set.type, data),
  }));
}

function formatData(type: number, data: Rdata): string {
  const bytes = rdataBytes(data);
  return formatRdata(type, bytes, 0, bytes.length);
}
