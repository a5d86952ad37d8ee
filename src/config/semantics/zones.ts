import { isIPv4, isIPv6 } from 'node:net';
import { posix } from 'node:path';
import type { Finding } from '../config-error.ts';
import type { Draft, ZoneDraft } from '../draft.ts';
import { absoluteName, isWithin, nameProblem } from './domain-name.ts';
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

/** A zone within a zone is fine, but what the outer one says about its names is never asked. */
export const nestedZonesAreNotHidden: Rule = ({ zones }, report) => {
  for (const [zone, config] of zones) {
    for (const [index, set] of config?.records.entries() ?? []) {
      if (!set || set.name === '@') continue;
      const name = `${set.name}.${zone}`;
      const inner = [name, ...ancestors(name)].find((part) => part !== zone && zones.has(part));
      const delegation = set.type === 'NS' && inner === name;
      if (inner === undefined || inner.length < zone.length || delegation) continue;
      const message = `lies within the zone ${inner}, which answers for it: it belongs there`;
      report({ path: ['zones', zone, 'records', index, 'name'], at: 'value', message });
    }
  }
};

function* ancestors(name: string): Iterable<string> {
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    yield name.slice(dot + 1);
  }
}

/** A revision is whole: the text of its zone files is part of it. */
export const zoneFilesAreRead: Rule = ({ zones }, report) => {
  for (const [name, zone] of zones) {
    const { file, contents } = zone ?? {};
    const path = ['zones', name];
    if (file === undefined) {
      if (contents === undefined) continue;
      const message = 'has no meaning without `file`';
      report({ path: [...path, 'contents'], at: 'key', message });
    } else if (!contents || !Object.hasOwn(contents, posix.basename(file))) {
      const message = `expected the text of ${JSON.stringify(posix.basename(file))} in \`contents\`: the file is read where a configuration is loaded from its own file`;
      report({ path: [...path, contents ? 'contents' : 'file'], at: 'value', message });
    }
  }
};

export const nameServersAreValid: Rule = (draft, report) => {
  for (const [name, zone] of draft.zones) {
    if (!zone) continue;
    if (zone.secondary) continue;
    checkOwnNameServers(name, zone, report);
    if (zone.nameservers) checkNameServers(name, zone, zone.nameservers, report);
    else if (!ownNameServers(zone) && zone.file === undefined)
      checkDefaultNameServers(name, zone, draft, report);
    checkHostmaster(name, zone, report);
  }
};

function checkNameServers(
  zone: string,
  { records, file }: ZoneDraft,
  servers: readonly string[],
  report: Report,
): void {
  const seen = new Set<string>();
  for (const [index, server] of servers.entries()) {
    const place = { path: ['zones', zone, 'nameservers', index], at: 'value' } as const;
    const name = hostName(server, zone);
    const hidden = hiddenBelow(name, zone, records);
    const problem = isIPv4(server) || isIPv6(server) ? 'expected a name' : nameProblem(name);
    if (problem) report({ ...place, message: problem });
    else if (seen.has(name)) report({ ...place, message: `${name} is given twice` });
    else if (hidden) report({ ...place, message: hidden });
    else if (isWithin(name, zone) && file === undefined && !hasAddress(name, zone, records)) {
      const message = `${name} lies in the zone and has no record set of type A or AAAA there`;
      report({ ...place, message });
    }
    seen.add(name);
  }
}

/** `ns1` is below the zone; a name with a dot is absolute, as host names elsewhere are. */
function hostName(text: string, zone: string): string {
  return text.includes('.') ? text.toLowerCase().replace(/\.$/, '') : `${text}.${zone}`;
}

/** True as well where a part was refused, which may be the one. */
function hasAddress(name: string, zone: string, records: ZoneDraft['records']): boolean {
  return records.some((set) => {
    if (!set) return true;
    const address = set.type === 'A' || set.type === 'AAAA' || set.type === 'ALIAS';
    return address && (set.name === '@' ? zone : `${set.name}.${zone}`) === name;
  });
}

/** Why a name of the zone is never found, if a DNAME is above it. */
function hiddenBelow(
  name: string,
  zone: string,
  records: ZoneDraft['records'],
): string | undefined {
  for (const [index, set] of records.entries()) {
    if (set?.type !== 'DNAME') continue;
    const owner = set.name === '@' ? zone : `${set.name}.${zone}`;
    if (name === owner || !isWithin(name, owner)) continue;
    return `${name} is below records[${index}], the DNAME of ${set.name}: what is below it is elsewhere (RFC 6672, section 2.3)`;
  }
  return undefined;
}

function checkOwnNameServers(zone: string, { records }: ZoneDraft, report: Report): void {
  for (const [index, set] of records.entries()) {
    if (set?.type !== 'NS' || set.name !== '@') continue;
    for (const [at, value] of (set.values ?? []).entries()) {
      const message = hiddenBelow(absoluteName(value, zone), zone, records);
      const path = ['zones', zone, 'records', index, 'values', at];
      if (message) report({ path, at: 'value', message });
    }
  }
}

/** Whether the zone spells out its NS record set (or may, in a part that was refused). */
export function ownNameServers({ records }: ZoneDraft): boolean {
  return records.some((set) => set === undefined || (set.type === 'NS' && set.name === '@'));
}

/** Without `nameservers` the zone is served by `ns-REGION.ZONE`, and owns these names. */
function checkDefaultNameServers(
  zone: string,
  { records }: ZoneDraft,
  { regions }: Draft,
  report: Report,
): void {
  if (nameProblem(zone) !== undefined) return;
  const redirect = records.findIndex((set) => set?.type === 'DNAME' && set.name === '@');
  if (redirect >= 0) {
    const message = `the DNAME of the zone hides its name servers, ns-REGION.${zone}, which are below it (RFC 6672, section 2.3): set \`nameservers\` to names that are not`;
    report({ path: ['zones', zone, 'records', redirect, 'type'], at: 'value', message });
    return;
  }
  for (const [region, { kind } = { kind: 'region' }] of regions) {
    if (kind === 'witness') continue;
    const problem = nameProblem(`ns-${region}.${zone}`);
    if (problem === undefined) continue;
    const message = `has no name server: for region ${region} ${problem}; set \`nameservers\``;
    report({ path: ['zones', zone], at: 'key', message });
  }
}

/** `dns@example.com`, or a name whose first label is the local part (RFC 1035, section 3.3.13). */
function checkHostmaster(zone: string, { soa }: ZoneDraft, report: Report): void {
  if (soa.hostmaster === undefined) return;
  const place = { path: ['zones', zone, 'soa', 'hostmaster'], at: 'value' } as const;
  const at = soa.hostmaster.lastIndexOf('@');
  const local = soa.hostmaster.slice(0, Math.max(at, 0));
  const domain = hostName(soa.hostmaster.slice(at + 1), zone);
  const problem =
    at === 0 || local.includes('@')
      ? 'expected a mail address such as "dns@example.com"'
      : nameProblem(at < 0 ? domain : `${local.replaceAll('.', '-')}.${domain}`);
  if (problem) report({ ...place, message: problem });
}
