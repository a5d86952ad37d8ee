import type { Finding } from '../config-error.ts';
import type { Draft, ZoneDraft } from '../draft.ts';
import { absoluteName, isWithin, nameProblem } from './domain-name.ts';
import { targetProblem } from './record-data.ts';
import type { Rule } from './rule.ts';

type Report = (finding: Finding) => void;

const zoneLabel = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/;

export const zoneNamesAreValid: Rule = ({ zones }, report) => {
  for (const zone of zones.keys()) {
    const place = { path: ['zones', zone], at: 'key' } as const;
    const meant = zone.toLowerCase().replace(/\.$/, '');
    const possible =
      nameProblem(meant) === undefined && meant.split('.').every((label) => zoneLabel.test(label));
    if (possible && meant === zone) continue;
    const message = 'expected the name of a zone in lower case, such as "example.com"';
    report({ ...place, message, suggestion: possible ? meant : undefined });
  }
};

export const zonesAreNotNested: Rule = ({ zones }, report) => {
  for (const zone of zones.keys()) {
    const outer = [...ancestors(zone)].find((name) => zones.has(name));
    if (outer === undefined) continue;
    const message = `lies within the zone ${outer}: its record sets belong there`;
    report({ path: ['zones', zone], at: 'key', message });
  }
};

function* ancestors(name: string): Iterable<string> {
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    yield name.slice(dot + 1);
  }
}

export const nameServersAreValid: Rule = (draft, report) => {
  for (const [name, zone] of draft.zones) {
    if (!zone) continue;
    if (zone.nameservers) checkNameServers(name, zone, zone.nameservers, report);
    else checkDefaultNameServers(name, draft, report);
    checkHostmaster(name, zone, report);
  }
};

function checkNameServers(
  zone: string,
  { records }: ZoneDraft,
  servers: readonly string[],
  report: Report,
): void {
  const seen = new Set<string>();
  for (const [index, server] of servers.entries()) {
    const place = { path: ['zones', zone, 'nameservers', index], at: 'value' } as const;
    const problem = targetProblem(server, zone);
    const name = absoluteName(server, zone);
    if (problem) report({ ...place, ...problem });
    else if (seen.has(name)) report({ ...place, message: `${name} is given twice` });
    else if (isWithin(name, zone) && !hasAddress(name, zone, records)) {
      const message = `${name} lies in the zone and has no record set of type A or AAAA there`;
      report({ ...place, message });
    }
    seen.add(name);
  }
}

/** True as well where a part was refused, which may be the one. */
function hasAddress(name: string, zone: string, records: ZoneDraft['records']): boolean {
  return records.some((set) => {
    if (!set) return true;
    const address = set.type === 'A' || set.type === 'AAAA';
    return address && (set.name === '@' ? zone : `${set.name}.${zone}`) === name;
  });
}

/** Without `nameservers` the zone is served by `ns-REGION.ZONE`, and owns these names. */
function checkDefaultNameServers(zone: string, { regions }: Draft, report: Report): void {
  for (const [region, { kind } = { kind: 'region' }] of regions) {
    if (kind === 'witness') continue;
    const problem = nameProblem(`ns-${region}.${zone}`);
    if (problem === undefined) continue;
    const message = `has no name server: for region ${region} ${problem}; set \`nameservers\``;
    report({ path: ['zones', zone], at: 'key', message });
  }
}

function checkHostmaster(zone: string, { soa }: ZoneDraft, report: Report): void {
  if (soa.hostmaster === undefined) return;
  const place = { path: ['zones', zone, 'soa', 'hostmaster'], at: 'value' } as const;
  if (soa.hostmaster.includes('@')) {
    const suggestion = mailboxName(soa.hostmaster);
    const message = 'expected a name as in an SOA record, with a dot in the place of "@"';
    report({ ...place, message, suggestion });
    return;
  }
  const problem = targetProblem(soa.hostmaster, zone);
  if (problem) report({ ...place, ...problem });
}

function mailboxName(address: string): string {
  const [user = '', domain = ''] = address.split('@');
  return `${user.replaceAll('.', '\\.')}.${domain}.`;
}
