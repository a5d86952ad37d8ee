import type { Finding } from '../config-error.ts';
import type { ZoneDraft } from '../draft.ts';
import type { FieldPath } from '../field-path.ts';
import type { RecordSetConfig } from '../schema/zone.ts';
import { checkAnswers } from './answers.ts';
import { nameProblem } from './domain-name.ts';
import { dataProblem, targetProblem } from './record-data.ts';
import type { Rule } from './rule.ts';
import { ownNameServers } from './zones.ts';

type Report = (finding: Finding) => void;

/** Octets of data that surely fit the 65,535 of a DNS message. */
const maximumData = 60_000;

/** Each record set by itself: what it answers with, and from what its routing policy chooses. */
export const recordSetsAreValid: Rule = (draft, report) => {
  for (const [zone, config] of draft.zones) {
    for (const [index, set] of config?.records.entries() ?? []) {
      if (!set) continue;
      const path = ['zones', zone, 'records', index];
      if (set.type === 'ALIAS') {
        checkAliasTarget(path, zone, set, report);
        continue;
      }
      if (set.target !== undefined) {
        const message = 'has a meaning for ALIAS only';
        report({ path: [...path, 'target'], at: 'key', message });
      }
      checkForm(path, set, report);
      checkSteering(path, set, report);
      if (set.answers) checkAnswers(path, set, set.answers, draft, report);
      checkData(path, zone, set, report);
    }
  }
};

/** What stands at the target is known when all zones are compiled, with their files. */
function checkAliasTarget(
  path: FieldPath,
  zone: string,
  { target, values, answers, routing }: RecordSetConfig,
  report: Report,
): void {
  const place = { path: [...path, 'target'], at: 'value' } as const;
  if (target === undefined) {
    report({ path, at: 'value', message: 'an ALIAS needs a `target`' });
  } else {
    const problem = targetProblem(target, zone);
    if (problem) report({ ...place, ...problem });
  }
  const message = 'has no meaning for an ALIAS: it is steered as its target is';
  if (values) report({ path: [...path, 'values'], at: 'key', message });
  if (answers) report({ path: [...path, 'answers'], at: 'key', message });
  if (routing !== 'simple') report({ path: [...path, 'routing'], at: 'key', message });
}

function checkForm(path: FieldPath, set: RecordSetConfig, report: Report): void {
  const { type, routing, values, answers, exclusive } = set;
  const hasDefault = type === 'A' && (routing === 'latency' || exclusive !== undefined);
  if (values && answers) {
    const message = 'a record set has `values` or `answers`, not both';
    report({ path: [...path, 'answers'], at: 'key', message });
  } else if (values && routing !== 'simple') {
    const message = `${routing} chooses from \`answers\`; \`values\` are for simple`;
    report({ path: [...path, 'values'], at: 'key', message });
  } else if (!values && !answers && !hasDefault) {
    const message = routing === 'simple' ? 'needs `values` or `answers`' : 'needs `answers`';
    report({ path, at: 'value', message: `the ${routing} record set ${set.name} ${message}` });
  }
  const several =
    routing === 'simple' && exclusive === undefined && (answers?.length ?? values?.length ?? 1) > 1;
  if (type === 'CNAME' && several) {
    const message = 'a name has one CNAME at most (RFC 2181, section 10.1)';
    report({ path: [...path, answers ? 'answers' : 'values'], at: 'key', message });
  }
  if (type === 'DNAME' && (answers || several)) {
    const message = 'a DNAME is one name, which is not steered (RFC 6672, section 2.4)';
    report({ path: [...path, answers ? 'answers' : 'values'], at: 'key', message });
  }
}

/** Of some policies there is no share: one answer, or those of a few clients, are as good as all. */
const withoutShare: readonly RecordSetConfig['routing'][] = ['failover', 'geolocation', 'cidr'];

function checkSteering(path: FieldPath, set: RecordSetConfig, report: Report): void {
  const { type, routing, values, lastResort, minimumHealthyShare, stickyBy } = set;
  const problem = (field: string, message: string) =>
    report({ path: [...path, field], at: 'key', message });
  if (stickyBy !== undefined && routing !== 'weighted') {
    problem('stickyBy', `has a meaning for weighted only, and this record set is ${routing}`);
  }
  if (minimumHealthyShare !== undefined && (values || withoutShare.includes(routing))) {
    const which = values ? 'plain' : routing;
    problem('minimumHealthyShare', `has no meaning for a ${which} record set`);
  }
  if (typeof lastResort === 'string') return;
  if (values)
    problem('lastResort', 'has a meaning beside `answers` only: `values` are always given');
  if (type === 'CNAME' && lastResort.fixed.length > 1) {
    problem('lastResort', 'a name has one CNAME at most (RFC 2181, section 10.1)');
  }
}

interface DataList {
  readonly path: FieldPath;
  /** Default: `values`. */
  readonly field?: string;
  readonly values: readonly string[] | undefined;
}

function checkData(path: FieldPath, zone: string, set: RecordSetConfig, report: Report): void {
  const lists: readonly DataList[] = [
    { path, values: set.values },
    ...(typeof set.lastResort === 'string'
      ? []
      : [{ path: [...path, 'lastResort'], field: 'fixed', values: set.lastResort.fixed }]),
    ...(set.answers ?? []).map(({ values }, index) => ({
      path: [...path, 'answers', index],
      values,
    })),
  ];
  let octets = 0;
  for (const list of lists) {
    for (const [index, value] of list.values?.entries() ?? []) {
      const { field = 'values' } = list;
      const place = { path: [...list.path, field, index], at: 'value' } as const;
      const problem = dataProblem(set.type, value, zone);
      octets += Buffer.byteLength(value);
      if (problem) report({ ...place, ...problem });
      else if (list.values?.indexOf(value) !== index) {
        report({ ...place, message: `${value} is given twice` });
      }
    }
  }
  if (octets > maximumData) {
    const message = `${octets} octets of data do not fit a DNS message; ${maximumData} is the limit`;
    report({ path, at: 'value', message });
  }
}

/** The record sets of a zone beside each other (RFC 1034, section 3.6.2; RFC 2181, section 5). */
export const recordSetsFitTogether: Rule = ({ zones, regions }, report) => {
  const serving = [...regions].filter(([, region]) => region?.kind !== 'witness');
  for (const [zone, config] of zones) {
    if (!config) continue;
    const owned =
      config.nameservers || config.file !== undefined || ownNameServers(config)
        ? []
        : serving.map(([region]) => `ns-${region}`);
    checkNames(zone, config, new Set(owned), report);
    checkBelow(zone, config, report);
  }
};

interface Holder {
  readonly index: number;
  readonly type: string;
}

function checkNames(
  zone: string,
  { records, nameservers }: ZoneDraft,
  regionServers: ReadonlySet<string>,
  report: Report,
): void {
  const holders = new Map<string, Holder[]>();
  for (const [index, set] of records.entries()) {
    if (!set) continue;
    const { name, type } = set;
    const tell = (field: 'name' | 'type', message: string) =>
      report({ path: ['zones', zone, 'records', index, field], at: 'value', message });
    const before = holders.get(name) ?? [];
    const twin = before.find((other) => other.type === type);
    const other = before.find((one) => type === 'CNAME' || one.type === 'CNAME');
    const aliased = before.find((one) => givesAddresses(one.type) && givesAddresses(type));
    const tooLong = name === '@' ? undefined : nameProblem(`${name}.${zone}`);
    if (tooLong !== undefined) tell('name', tooLong);
    else if (twin)
      tell('name', `records[${twin.index}] is the ${type} record set of ${name} already`);
    else if (aliased && (type === 'ALIAS' || aliased.type === 'ALIAS')) {
      const message = `an ALIAS stands for A and AAAA, and records[${aliased.index}] has the same name`;
      tell('type', message);
    } else if (type === 'CNAME' && name === '@') {
      tell('type', 'the apex of a zone has an SOA record, and a CNAME stands alone');
    } else if (type === 'NS' && name === '@' && nameservers) {
      tell('type', 'the zone has `nameservers`, which are its NS record set already');
    } else if (regionServers.has(name)) {
      tell('name', `${name} is the name server of a region; set \`nameservers\` to use others`);
    } else if (other) {
      tell('type', `a CNAME stands alone, and records[${other.index}] has the same name`);
    }
    holders.set(name, [...before, { index, type }]);
  }
}

function givesAddresses(type: string): boolean {
  return type === 'A' || type === 'AAAA' || type === 'ALIAS';
}

/**
 * Below a delegation another server answers, and only addresses may stand there, as glue; what
 * would be below a DNAME is elsewhere.
 */
function checkBelow(zone: string, { records }: ZoneDraft, report: Report): void {
  const heads = new Map<string, number>();
  for (const [index, set] of records.entries()) {
    const isHead = set?.type === 'DNAME' || (set?.type === 'NS' && set.name !== '@');
    if (!set || !isHead) continue;
    const path = ['zones', zone, 'records', index, 'type'];
    if (set.name.startsWith('*')) {
      const message =
        set.type === 'NS'
          ? 'a wildcard cannot delegate (RFC 4592, section 4.2)'
          : 'a wildcard cannot redirect (RFC 6672, section 3.3)';
      report({ path, at: 'value', message });
    }
    const other = heads.get(set.name);
    if (other !== undefined && records[other]!.type !== set.type) {
      const message = `records[${other}] has the same name: NS and DNAME exclude each other`;
      report({ path, at: 'value', message });
    }
    heads.set(set.name, index);
  }
  for (const [index, set] of records.entries()) {
    const head = set && headOf(set, index, records, heads);
    if (head === undefined) continue;
    const { type, name } = records[head]!;
    const message =
      type === 'NS'
        ? `records[${head}] delegates ${name} to other name servers, which answer this`
        : `records[${head}] is the DNAME of ${name}: what is below it is elsewhere`;
    report({ path: ['zones', zone, 'records', index, 'name'], at: 'value', message });
  }
}

/** What makes a record set never be answered from, if anything does. */
function headOf(
  { name: own, type }: RecordSetConfig,
  index: number,
  records: ZoneDraft['records'],
  heads: ReadonlyMap<string, number>,
): number | undefined {
  for (let name = own; name !== ''; name = name.slice(name.indexOf('.') + 1 || name.length)) {
    const head = heads.get(name);
    if (head === undefined || head === index) continue;
    const isDelegated = records[head]!.type === 'NS';
    if (isDelegated ? !(isAddress(type) && name !== own) : name !== own) return head;
  }
  const atApex = own === '@' ? undefined : heads.get('@');
  return atApex === index ? undefined : atApex;
}

function isAddress(type: string): boolean {
  return type === 'A' || type === 'AAAA';
}
