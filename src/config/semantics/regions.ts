import { valueAt } from '../field-path.ts';
import type { Rule } from './rule.ts';

export const someRegionServes: Rule = ({ input, regions }, report) => {
  // What is no map at all was refused as such.
  const all = isMap(valueAt(input, ['regions'])) ? [...regions.values()] : [undefined];
  if (all.some((region) => region === undefined || region.kind === 'region')) return;
  report({
    path: ['regions'],
    at: 'key',
    message: 'expected at least one region that serves (kind `region`)',
  });
};

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The replicated store keeps this name for the servers that all regions share. */
const reservedName = 'global';

export const regionNamesAreFree: Rule = ({ regions }, report) => {
  if (!regions.has(reservedName)) return;
  const message = `"${reservedName}" is the name of the store that all regions share`;
  report({ path: ['regions', reservedName], at: 'key', message });
};

export const addressesDiffer: Rule = ({ regions, stack }, report) => {
  const holders = new Map<string, string>();
  const bound = new Map<string, string>();
  for (const [name, region] of regions) {
    if (!region) continue;
    const { address, bind } = region;
    const holder = holders.get(address);
    if (holder !== undefined) {
      const message = `${address} is the address of region ${holder} already`;
      report({ path: ['regions', name, 'address'], at: 'value', message });
    } else {
      holders.set(address, name);
    }
    if (!stack) continue;
    // Regions of a stack share one machine; elsewhere each has its own 0.0.0.0.
    const local = bind ?? address;
    const other = bound.get(local);
    if (bind !== undefined && other !== undefined) {
      const message = `in a stack, region ${other} listens on ${local} already`;
      report({ path: ['regions', name, 'bind'], at: 'value', message });
    }
    bound.set(local, name);
  }
};

/** All listeners of a region share one address, the store servers of a stack too. */
export const portsDiffer: Rule = ({ ports, stack }, report) => {
  const holders = new Map<number, string>();
  const claim = (place: readonly string[], listeners: Readonly<Record<string, number>>) => {
    for (const [name, port] of Object.entries(listeners)) {
      const path = [...place, name];
      const holder = holders.get(port);
      if (holder === undefined) holders.set(port, path.join('.'));
      else report({ path, at: 'value', message: `port ${port} is taken by ${holder}` });
    }
  };
  if (ports) claim(['ports'], ports);
  if (stack) claim(['stack', 'storePorts'], stack.storePorts);
};
