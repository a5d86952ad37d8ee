import type { FieldPath } from '../field-path.ts';
import { valueAt } from '../field-path.ts';
import { nearestName } from '../nearest-name.ts';
import { absoluteName, isWithin } from './domain-name.ts';
import type { Rule } from './rule.ts';

/** What a zone that comes from its primaries has from there. */
const fromPrimaries = ['records', 'file', 'contents', 'soa', 'ttl', 'nameservers'];

/**
 * What a secondary serves is what its primaries have under that serial, and nothing beside it: one
 * serial must stand for one zone, for who asks here as for who asks there, and for who transfers it on.
 */
export const secondariesArePure: Rule = ({ input, zones }, report) => {
  const secondaries = [...zones].flatMap(([name, zone]) => (zone?.secondary ? [name] : []));
  if (secondaries.length === 0) return;
  for (const name of secondaries) {
    for (const field of fromPrimaries) {
      const path = ['zones', name, field];
      const value = valueAt(input, path);
      if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
      const instead = field === 'records' ? ': steered names go into a zone of their own' : '';
      const message = `has no place beside \`secondary\`, which brings all of the zone${instead}`;
      report({ path, at: 'key', message });
    }
  }
  for (const [zone, config] of zones) {
    for (const [index, set] of config?.records.entries() ?? []) {
      if (set?.type !== 'ALIAS' || set.target === undefined) continue;
      const name = absoluteName(set.target, zone);
      const holder = longest([...zones.keys()].filter((one) => isWithin(name, one)));
      if (holder === undefined || !secondaries.includes(holder)) continue;
      const message = `${name} is in the zone ${holder}, which comes from elsewhere: what stands there is not known here; a CNAME can lead there`;
      report({ path: ['zones', zone, 'records', index, 'target'], at: 'value', message });
    }
  }
};

function longest(names: readonly string[]): string | undefined {
  return names.toSorted((one, other) => other.length - one.length)[0];
}

export const transferKeysExist: Rule = ({ input, zones }, report) => {
  const declared = valueAt(input, ['dns', 'transferKeys']);
  const keys = typeof declared === 'object' && declared !== null ? Object.keys(declared) : [];
  const check = (path: FieldPath, key: string | undefined) => {
    if (key === undefined || keys.includes(key)) return;
    const message = `no key is named "${key}" in \`dns.transferKeys\``;
    report({ path, at: 'value', message, suggestion: nearestName(key, keys) });
  };
  for (const [name, zone] of zones) {
    check(['zones', name, 'transfer', 'key'], zone?.transfer?.key);
    check(['zones', name, 'secondary', 'key'], zone?.secondary?.key);
  }
};
