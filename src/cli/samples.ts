import type { Config } from '../config/schema/config.ts';

/** A request that a configuration answers, to try. */
export interface SampleRequest {
  readonly host: string;
  readonly path: string;
  readonly service: string;
}

/** A host, the one with the most routes, with a path that a plain GET matches. */
export function sampleRequest({ routes, zones }: Config): SampleRequest | undefined {
  const all = routes.flatMap(({ hosts }) => hosts ?? []).filter((host) => !host.startsWith('*.'));
  const routesOf = (host: string) => all.filter((one) => one === host).length;
  const anyHost = `www.${Object.keys(zones)[0] ?? 'example.test'}`;
  const candidates = routes.flatMap((route): SampleRequest[] => {
    const { hosts = [anyHost], exact, pattern, prefix, methods, service, headers, query } = route;
    if (methods && !methods.includes('GET')) return [];
    if (!service || headers || query || (route.api && !route.hosts)) return [];
    if (pattern?.includes('/:')) return [];
    const [host = anyHost] = [...hosts].sort((a, b) => routesOf(b) - routesOf(a));
    return [{ host: host.replace(/^\*/, 'www'), path: exact ?? pattern ?? prefix ?? '/', service }];
  });
  return candidates.find(({ path }) => path !== '/') ?? candidates[0];
}

/** A name whose answer depends on where the client is, else any name that has an address. */
export function sampleName({ zones }: Config): { name: string; steered: boolean } | undefined {
  const sets = Object.entries(zones).flatMap(([zone, { records }]) =>
    records
      .filter(({ type, name }) => type === 'A' && !name.startsWith('*'))
      .map(({ name, routing }) => ({
        name: name === '@' ? zone : `${name}.${zone}`,
        steered: routing === 'latency',
      })),
  );
  return sets.find(({ steered }) => steered) ?? sets[0];
}

/** Client networks of three continents. */
export const sampleClients = [
  { place: 'Europe', network: '81.2.69.0/24' },
  { place: 'North America', network: '8.8.8.0/24' },
  { place: 'Asia', network: '1.0.64.0/24' },
] as const;
