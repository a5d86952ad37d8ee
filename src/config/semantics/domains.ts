import { nearestName } from '../nearest-name.ts';
import { normalisedPath } from './routes.ts';
import type { Rule } from './rule.ts';

/** Every mapping leads somewhere, and every API can be reached. */
export const domainsFitRoutes: Rule = ({ domains, routes }, report) => {
  const apis = new Set(routes.flatMap((route) => route?.api ?? []));
  const mapped = new Set<string>();
  for (const [domain, config] of domains) {
    const bases = new Map<string, number>();
    for (const [index, { basePath, api }] of config?.mappings.entries() ?? []) {
      const path = ['domains', domain, 'mappings', index];
      const normal = normalisedPath(basePath).replace(/(?<=.)\/$/, '');
      const first = bases.get(normal);
      bases.set(normal, first ?? index);
      mapped.add(api);
      if (first !== undefined) {
        const message = `mappings[${first}] has this base path already`;
        report({ path: [...path, 'basePath'], at: 'value', message });
      }
      if (!apis.has(api)) {
        const suggestion = nearestName(api, apis);
        const message = `no route belongs to an API "${api}"`;
        report({ path: [...path, 'api'], at: 'value', message, ...(suggestion && { suggestion }) });
      }
    }
  }
  for (const [index, route] of routes.entries()) {
    if (!route?.api || route.hosts || mapped.has(route.api)) continue;
    const message = `no domain serves API ${route.api}, and the route has no hosts of its own`;
    report({ path: ['routes', index, 'api'], at: 'value', message });
  }
};
