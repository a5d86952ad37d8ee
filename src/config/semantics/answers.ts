import { continentOf } from '../areas.ts';
import type { Finding } from '../config-error.ts';
import type { Draft } from '../draft.ts';
import type { FieldPath } from '../field-path.ts';
import type { AnswerConfig } from '../schema/answer.ts';
import type { RecordSetConfig } from '../schema/zone.ts';
import { networkOf, sameAddress } from './network-text.ts';

type Report = (finding: Finding) => void;
type Routing = RecordSetConfig['routing'];

/** What an answer may say for some routing policies only. */
const fieldsOf: readonly [field: keyof AnswerConfig, policies: readonly Routing[]][] = [
  ['role', ['failover']],
  ['location', ['geolocation', 'geoproximity']],
  ['bias', ['geoproximity']],
  ['networks', ['cidr']],
  ['default', ['geolocation', 'cidr']],
];

/** The answers of one record set: each by itself, then beside each other. */
export function checkAnswers(
  path: FieldPath,
  set: RecordSetConfig,
  answers: readonly AnswerConfig[],
  draft: Draft,
  report: Report,
): void {
  for (const [at, answer] of answers.entries()) {
    const place = [...path, 'answers', at];
    if (answer.alias === undefined) checkData(place, set, answer, draft, report);
    else checkAlias(place, set, answer, report);
    checkFields(place, set, answer, report);
    if (set.routing === 'geolocation') checkArea(place, answer, report);
    if (set.routing === 'geoproximity') checkPosition(place, answer, report);
    if (set.routing === 'cidr') checkNetworks(place, answer, report);
  }
  if (set.routing === 'failover') checkRoles(path, set, answers, report);
  if (set.type === 'CNAME') checkStandsAlone(path, set, answers, report);
}

function checkData(
  path: FieldPath,
  { type, routing, service }: RecordSetConfig,
  { region, values }: AnswerConfig,
  { regions, services }: Draft,
  report: Report,
): void {
  if (!values && region === undefined) {
    report({ path, at: 'value', message: 'an answer needs a `region`, `values` or an `alias`' });
  } else if (!values && type !== 'A') {
    const message = `an answer of type ${type} needs \`values\`: a region has an IPv4 address only`;
    report({ path, at: 'value', message });
  }
  if (routing === 'latency' && region === undefined) {
    report({ path, at: 'value', message: 'an answer of a latency record set needs a `region`' });
  }
  if (region !== undefined && regions.get(region)?.kind === 'witness') {
    const message = `${region} is a witness, which serves nothing`;
    report({ path: [...path, 'region'], at: 'value', message });
  }
  const isEdge = region !== undefined && regions.get(region)?.kind === 'edge';
  if (isEdge && service !== undefined && services.get(service)?.residency) {
    const message = `${region} is an edge, which residency of service ${service} leaves out: it would never be given`;
    report({ path: [...path, 'region'], at: 'value', message });
  }
  if (values === undefined || values.length < 2) return;
  if (type === 'CNAME') {
    const message = 'a name has one CNAME at most (RFC 2181, section 10.1)';
    report({ path: [...path, 'values'], at: 'key', message });
  } else if (routing === 'multivalue') {
    const message = 'an answer of a multivalue record set is one record: expected one value';
    report({ path: [...path, 'values'], at: 'key', message });
  }
}

function checkAlias(
  path: FieldPath,
  { routing }: RecordSetConfig,
  { region, values }: AnswerConfig,
  report: Report,
): void {
  if (values) {
    const message = 'an answer is an `alias` or has `values`, not both';
    report({ path: [...path, 'values'], at: 'key', message });
  }
  const isPlace = routing === 'latency' || routing === 'geoproximity';
  if (region !== undefined && !isPlace) {
    const message = `beside \`alias\` it has a meaning for latency and geoproximity only, and this record set is ${routing}`;
    report({ path: [...path, 'region'], at: 'key', message });
  } else if (region === undefined && routing === 'latency') {
    report({ path, at: 'value', message: 'an answer of a latency record set needs a `region`' });
  }
}

function checkFields(
  path: FieldPath,
  { routing }: RecordSetConfig,
  answer: AnswerConfig,
  report: Report,
): void {
  for (const [field, policies] of fieldsOf) {
    if (answer[field] === undefined || policies.includes(routing)) continue;
    const message = `has a meaning for ${policies.join(' and ')} only, and this record set is ${routing}`;
    report({ path: [...path, field], at: 'key', message });
  }
  if (answer.evaluateTargetHealth !== undefined && answer.alias === undefined) {
    const message = 'has a meaning beside `alias` only';
    report({ path: [...path, 'evaluateTargetHealth'], at: 'key', message });
  }
  if (routing === 'failover' && answer.role === undefined) {
    report({ path, at: 'value', message: 'an answer of a failover record set needs a `role`' });
  }
}

function checkRoles(
  path: FieldPath,
  { type }: RecordSetConfig,
  answers: readonly AnswerConfig[],
  report: Report,
): void {
  const count = (role: AnswerConfig['role']) => answers.filter((one) => one.role === role).length;
  const place = { path: [...path, 'answers'], at: 'key' } as const;
  // An answer without a role is reported by itself; it may be the one that is missing.
  if (count('primary') === 0 && count(undefined) === 0) {
    const message = 'a failover record set needs an answer with the role `primary`';
    report({ ...place, message });
  }
  if (type === 'CNAME' && (count('primary') > 1 || count('secondary') > 1)) {
    report({
      ...place,
      message: 'expected one answer for each role, because a CNAME stands alone',
    });
  }
}

/** Codes that are used for countries and are not those of ISO 3166-1. */
const meantCountry: Readonly<Record<string, string>> = { UK: 'GB', EL: 'GR' };

function checkArea(
  path: FieldPath,
  { location, default: isDefault }: AnswerConfig,
  report: Report,
) {
  const { continent, country, subdivision, latitude, longitude } = location ?? {};
  const areas = [continent, country, subdivision].filter((area) => area !== undefined);
  if (isDefault && location) {
    const message = 'an answer is for an area or the default, not both';
    report({ path: [...path, 'default'], at: 'key', message });
  } else if (!isDefault && !location) {
    const message = 'an answer of a geolocation record set needs a `location` or `default: true`';
    report({ path, at: 'value', message });
  } else if (location && areas.length !== 1) {
    const message = 'expected one of `continent`, `country` and `subdivision`';
    report({ path: [...path, 'location'], at: 'key', message });
  }
  if (latitude !== undefined || longitude !== undefined) {
    const message = '`latitude` and `longitude` have a meaning for geoproximity only';
    report({ path: [...path, 'location'], at: 'key', message });
  }
  const field = country === undefined ? 'subdivision' : 'country';
  const code = (country ?? subdivision)?.slice(0, 2);
  if (code === undefined || continentOf.has(code)) return;
  const meant = meantCountry[code];
  report({
    path: [...path, 'location', field],
    at: 'value',
    message: `ISO 3166-1 has no country "${code}"`,
    suggestion: meant && `${meant}${(country ?? subdivision)?.slice(2)}`,
  });
}

function checkPosition(path: FieldPath, { location, region }: AnswerConfig, report: Report): void {
  const { continent, country, subdivision, latitude, longitude } = location ?? {};
  if ((continent ?? country ?? subdivision) !== undefined) {
    const message = '`continent`, `country` and `subdivision` have a meaning for geolocation only';
    report({ path: [...path, 'location'], at: 'key', message });
  } else if (location && (latitude === undefined || longitude === undefined)) {
    const message = 'expected `latitude` and `longitude`';
    report({ path: [...path, 'location'], at: 'key', message });
  } else if (!location && region === undefined) {
    const message =
      'an answer of a geoproximity record set needs a `region` or a `location` with `latitude` and `longitude`';
    report({ path, at: 'value', message });
  }
}

function checkNetworks(
  path: FieldPath,
  { networks, default: isDefault }: AnswerConfig,
  report: Report,
): void {
  if (isDefault && networks) {
    const message = 'an answer is for networks or the default, not both';
    report({ path: [...path, 'default'], at: 'key', message });
  } else if (!isDefault && !networks) {
    const message = 'an answer of a cidr record set needs `networks` or `default: true`';
    report({ path, at: 'value', message });
  }
  const seen = new Set<string>();
  for (const [index, text] of networks?.entries() ?? []) {
    const place = { path: [...path, 'networks', index], at: 'value' } as const;
    const network = networkOf(text);
    if (!sameAddress(network, text)) {
      const message = `${text} is an address within a network`;
      report({ ...place, message, suggestion: network });
    } else if (seen.has(network)) {
      report({ ...place, message: `${network} is given twice` });
    }
    seen.add(network);
  }
}

/** Answers for the same area or network are given together, which those of a CNAME cannot be. */
function checkStandsAlone(
  path: FieldPath,
  { routing }: RecordSetConfig,
  answers: readonly AnswerConfig[],
  report: Report,
): void {
  if (routing === 'multivalue') {
    const message = 'gives several answers at once, and a name has one CNAME at most';
    report({ path: [...path, 'routing'], at: 'value', message });
  }
  if (routing !== 'geolocation' && routing !== 'cidr') return;
  const holders = new Map<string, number>();
  for (const [at, answer] of answers.entries()) {
    for (const group of groupsOf(answer)) {
      const first = holders.get(group);
      if (first === undefined) holders.set(group, at);
      else if (first !== at) {
        const message = `answers[${first}] is for ${group} already, and a CNAME stands alone`;
        report({ path: [...path, 'answers', at], at: 'value', message });
      }
    }
  }
}

function groupsOf({ location, networks, default: isDefault }: AnswerConfig): readonly string[] {
  if (isDefault) return ['the rest'];
  const area = location?.subdivision ?? location?.country ?? location?.continent;
  return area === undefined ? (networks ?? []).map(networkOf) : [area];
}
