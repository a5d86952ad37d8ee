import { mostAnswers } from '../../steering/policies/multivalue.ts';
import type { Choice, SteeredSet } from '../../steering/record-set.ts';
import { isMadeBySigning } from '../dnssec/denial.ts';
import type { OutsideRecords } from '../outside/outside-set.ts';
import { metaType } from '../wire/codes.ts';
import { type DomainName, type NameKey, parseName } from '../wire/name.ts';
import { cname } from '../wire/records/cname.ts';
import { hinfo } from '../wire/records/hinfo.ts';
import { type Rdata, rdataBytes } from '../wire/records/record-type.ts';
import { mayHint, withHints } from './hints.ts';
import { redirect } from './redirect.ts';
import {
  type RecordSet,
  type Steering,
  setOfType,
  type Zone,
  type ZoneNode,
  type ZoneSet,
} from './zone.ts';

/** Aliases followed for one question; as many as the common resolvers follow. */
const maxAliases = 16;
const typeDs = 43;

/** Asked once for each steered record set on the way to the answer. */
export type Steer = (set: SteeredSet) => Choice;

/** Addresses of a name outside of the zones, by its key. `undefined`: they are not known. */
export type FindOutside = (target: NameKey, type: number) => OutsideRecords | undefined;

/** One record set of the answer section. */
export interface AnswerStep {
  /** `undefined`: the name in the question. */
  readonly owner: DomainName | undefined;
  readonly zone: Zone;
  readonly set: RecordSet;
  /** The data to give; those of a CNAME are at most one. Empty: chosen to be nothing. */
  readonly records: readonly Rdata[];
  readonly choice: Choice | undefined;
  /** Made from a DNAME, which is the step before. */
  readonly isMade: boolean;
  /** Of the addresses that it has as hints. */
  readonly hintSteps?: readonly AnswerStep[];
  /** The name is outside of the zones: another time there are other addresses. */
  readonly outside?: OutsideRecords;
}

/**
 * What a question comes to.
 *
 *   answer     the last step has the data, or is an alias that leads out of our zones
 *   noData     the name exists without that type, or steering chose to give nothing
 *   noName     the name does not exist (after aliases: the last target does not, RFC 6604)
 *   tooLong    a DNAME leads to a name that is too long (RFC 6672 2.2)
 *   unknown    addresses of a name outside of the zones, which are not known here, or not yet
 *   referral   another server is authoritative: `cut` holds its NS
 *   refused      not in our zones
 *   unavailable  in a zone that comes from elsewhere, and has not come or has expired
 */
export interface Resolution {
  readonly outcome:
    | 'answer'
    | 'noData'
    | 'noName'
    | 'tooLong'
    | 'unknown'
    | 'referral'
    | 'refused'
    | 'unavailable';
  readonly steps: readonly AnswerStep[];
  /** Zone of the last name that was looked up. */
  readonly zone: Zone | undefined;
  /** That name; `undefined`: the name in the question. */
  readonly last: DomainName | undefined;
  /** What stands there, or the wildcard that stands for it. */
  readonly node: ZoneNode | undefined;
  readonly cut: ZoneNode | undefined;
  /** Longest client prefix that any choice on the way depended on (RFC 7871 7.2.1). */
  readonly scopeBits: number;
}

/**
 * Looks a name up (RFC 1034 4.3.2, with wildcards by RFC 4592). Pure but for `steer`. Class
 * and meta types other than ANY are the caller's business.
 */
export function resolve(
  zones: ZoneSet,
  name: NameKey,
  type: number,
  steer: Steer,
  findOutside: FindOutside = () => undefined,
): Resolution {
  const steps: AnswerStep[] = [];
  let zone = zones.find(name);
  let outcome: Resolution['outcome'] = zone ? 'answer' : 'refused';
  let owner: DomainName | undefined;
  let cut: ZoneNode | undefined;
  let node: ZoneNode | undefined;
  if (zone && zone.unavailable !== 0) outcome = 'unavailable';
  for (let key = name, aliases = 0; zone && outcome !== 'unavailable'; aliases++) {
    const redirected = zone.redirectAbove(key);
    let target: DomainName | undefined;
    if (redirected) {
      node = redirected;
      target = addRedirection(key, redirected, { owner, zone }, steps);
      if (!target) outcome = 'tooLong';
      if (type === cname.code) break;
    } else {
      cut = zone.cutAbove(key);
      if (cut && !(type === typeDs && cut.name.key === key)) {
        outcome = 'referral';
        break;
      }
      node = zone.node(key) ?? zone.wildcardFor(key);
      const set = node && setFor(node, type, zone.signer !== undefined);
      if (!set) {
        outcome = node ? 'noData' : 'noName';
        break;
      }
      let step = set.outside
        ? outsideStep({ owner, zone, set }, findOutside(set.outside.key, set.type))
        : answerStep({ owner, zone, set }, steer);
      if (!step) {
        outcome = 'unknown';
        break;
      }
      if (mayHint(set.type)) {
        step = withHints(step, key, (at, of) => resolve(zones, at, of, steer, findOutside));
      }
      steps.push(step);
      if (step.records.length === 0) outcome = 'noData';
      if (set.type === cname.code && type !== cname.code) target = step.records[0]?.names[0];
    }
    if (!target || type === metaType.any) break;
    const next = zones.find(target.key);
    if (next?.unavailable !== 0 || aliases === maxAliases || isSeen(target.key, name, steps)) break;
    zone = next;
    owner = target;
    key = target.key;
  }
  return { outcome, steps, zone, last: owner, node, cut, scopeBits: scopeOf(steps) };
}

/** The TTL of an ALIAS is a bound on that of what it leads to. */
function outsideStep(
  { owner, zone, set }: Pick<AnswerStep, 'owner' | 'zone' | 'set'>,
  outside: OutsideRecords | undefined,
): AnswerStep | undefined {
  if (!outside) return undefined;
  const ttlSeconds = Math.min(set.ttlSeconds, outside.ttlSeconds);
  const { records } = outside;
  const rest = { records, choice: undefined, isMade: false, outside };
  return { owner, zone, set: { ...set, ttlSeconds }, ...rest };
}

/** Steps for what a DNAME gives, which is told of once; the name that it leads to, if that is one. */
function addRedirection(
  key: NameKey,
  node: ZoneNode,
  place: Pick<AnswerStep, 'owner' | 'zone'>,
  steps: AnswerStep[],
): DomainName | undefined {
  const { set, alias } = redirect(key, node);
  const { zone } = place;
  const plain = { choice: undefined, isMade: false };
  if (!steps.some((step) => step.set === set)) {
    steps.push({ owner: node.name, zone, set, records: set.records, ...plain });
  }
  if (!alias) return undefined;
  steps.push({ ...place, ...plain, set: alias.set, records: alias.set.records, isMade: true });
  return alias.target;
}

/** The set of the type, else the alias that stands for all types. ANY: RFC 8482 4.2. */
function setFor(node: ZoneNode, type: number, isSigned: boolean): RecordSet | undefined {
  // RFC 4035 2.5: beside a CNAME stand its NSEC and RRSIG.
  if (isSigned && isMadeBySigning(type)) return undefined;
  const set = setOfType(node, type) ?? setOfType(node, cname.code);
  return set ?? (type === metaType.any && node.sets.length > 0 ? minimalAny : undefined);
}

const minimalAny: RecordSet = {
  type: hinfo.code,
  ttlSeconds: 3_600,
  records: [hinfo.parse('"RFC8482" ""', parseName('.'))],
  steering: undefined,
};

function answerStep(place: Pick<AnswerStep, 'owner' | 'zone' | 'set'>, steer: Steer): AnswerStep {
  const { owner, zone, set } = place;
  const { steering } = set;
  const isMade = false;
  if (!steering) return { owner, zone, set, records: set.records, choice: undefined, isMade };
  const choice = steer(steering.set);
  let records = recordsOf(steering, choice);
  if (set.type === cname.code && records.length > 1) records = records.slice(0, 1);
  return { owner, zone, set, records, choice, isMade };
}

function recordsOf(steering: Steering, choice: Choice): readonly Rdata[] {
  const { answers } = choice;
  if (answers.length === 0) return choice.fixed ? (steering.fixed ?? []) : [];
  const records =
    answers.length === 1
      ? recordsAt(steering, choice, 0)
      : answers.flatMap((_, at) => recordsAt(steering, choice, at));
  const once = steering.overlapping && records.length > 1 ? distinct(records, steering) : records;
  const isCut = steering.set.routing === 'multivalue' && once.length > mostAnswers;
  return isCut ? once.slice(0, mostAnswers) : once;
}

/** What the answer at this place of the choice stands for. */
function recordsAt(steering: Steering, choice: Choice, at: number): readonly Rdata[] {
  const index = choice.answers[at]!;
  const branch = steering.branches?.[index];
  if (branch) {
    const below = choice.branches?.[at];
    return branch.steering && below ? recordsOf(branch.steering, below) : branch.records;
  }
  const records = steering.records[index] ?? [];
  const given = choice.addresses?.[at];
  return given ? given.map((position) => records[position]!) : records;
}

/** Each datum once. Equal data are one object, but in different record sets. */
function distinct(records: readonly Rdata[], { branches }: Steering): readonly Rdata[] {
  if (!branches) return [...new Set(records)];
  const byBytes = new Map(records.map((data) => [rdataBytes(data).toString('latin1'), data]));
  return [...byBytes.values()];
}

function isSeen(target: NameKey, question: NameKey, steps: readonly AnswerStep[]): boolean {
  if (target === question) return true;
  return steps.some(({ owner, set }) => owner?.key === target && set.type === cname.code);
}

function scopeOf(steps: readonly AnswerStep[]): number {
  let scopeBits = 0;
  for (const { choice, hintSteps } of steps) {
    if (choice && choice.scopeBits > scopeBits) scopeBits = choice.scopeBits;
    if (hintSteps) scopeBits = Math.max(scopeBits, scopeOf(hintSteps));
  }
  return scopeBits;
}
