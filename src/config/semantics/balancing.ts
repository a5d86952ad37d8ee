import type { Draft } from '../draft.ts';
import type { RegionConfig } from '../schema/region.ts';
import type { ServiceConfig } from '../schema/service.ts';
import type { Rule } from './rule.ts';

/** Zones of endpoints mean something only where gateways have zones. */
export const zonesArePossible: Rule = ({ regions, services }, report) => {
  for (const [name, service] of services) {
    for (const [region, endpoints] of Object.entries(service?.endpoints ?? {})) {
      const settings = regions.get(region);
      if (!settings || hasZone(settings)) continue;
      const at = endpoints.findIndex(({ zone }) => zone !== undefined);
      if (at === -1) continue;
      report({
        path: ['services', name, 'endpoints', region, at, 'zone'],
        at: 'key',
        message: `means nothing while neither region ${region} nor a node of it has a \`zone\``,
      });
    }
  }
};

function hasZone({ zone, nodes = {} }: RegionConfig): boolean {
  return zone !== undefined || Object.values(nodes).some((node) => node.zone !== undefined);
}

/** Two services behind one host would overwrite each other's cookie at every request. */
export const stickyCookiesDiffer: Rule = ({ services }, report) => {
  const holders = new Map<string, string>();
  for (const [name, service] of services) {
    if (service?.balancing.type !== 'sticky') continue;
    const cookie = service.balancing.cookie ?? `meridian-${name}`;
    const holder = holders.get(cookie);
    if (holder === undefined) holders.set(cookie, name);
    else {
      const message = `"${cookie}" is the cookie of service ${holder} already`;
      report({ path: ['services', name, 'balancing', 'cookie'], at: 'value', message });
    }
  }
};

export const spillOverIsPossible: Rule = ({ regions, services }, report) => {
  for (const [name, service] of services) {
    if (!service?.spillOver.regions || serving(service, regions).length !== 1) continue;
    const message = `service ${name} can be served in one region only, so there is none to spill over to`;
    report({ path: ['services', name, 'spillOver', 'regions'], at: 'value', message });
  }
};

/** Regions with endpoints that residency allows. What is wrong with them, other rules say. */
function serving({ endpoints, residency }: ServiceConfig, regions: Draft['regions']): string[] {
  return Object.keys(endpoints).filter(
    (region) => regions.has(region) && (residency?.includes(region) ?? true),
  );
}
