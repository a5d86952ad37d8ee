import { valueAt } from '../field-path.ts';
import { isStandard } from '../listeners.ts';
import type { RegionConfig } from '../schema/region.ts';
import type { Rule } from './rule.ts';

export const someRegionServes: Rule = ({ input, regions }, report) => {
  // What is no map at all was refused as such.
  const all = isMap(valueAt(input, ['regions'])) ? [...regions.values()] : [undefined];
  if (all.some((region) => region === undefined || region.kind === 'region')) return;
  report({
    path: ['regions'],
    at: 'key',
    message: all.some((region) => region?.kind === 'edge')
      ? 'expected at least one region of kind `region`: an edge has nowhere to relay to'
      : 'expected at least one region that serves (kind `region`)',
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

/** An address that a region, or one node of it, claims for itself. */
interface Claim {
  readonly region: string;
  /** For people: `region eu`, `node a of region eu`. */
  readonly holder: string;
  readonly address: string;
  readonly bind: string | undefined;
  readonly path: readonly string[];
}

export const addressesDiffer: Rule = ({ regions, stack }, report) => {
  const holders = new Map<string, Claim>();
  const bound = new Map<string, Claim>();
  for (const claim of [...regions].flatMap(claimsOf)) {
    const { address, bind, path } = claim;
    const first = otherHolder(holders, address, claim);
    if (first) {
      const message = `${address} is the address of ${first.holder} already`;
      report({ path: [...path, 'address'], at: 'value', message });
    }
    if (!stack) continue;
    // Regions of a stack share one machine; elsewhere each has its own 0.0.0.0.
    const local = bind ?? address;
    const other = otherHolder(bound, local, claim);
    if (bind !== undefined && other) {
      const message = `in a stack, ${other.holder} listens on ${local} already`;
      report({ path: [...path, 'bind'], at: 'value', message });
    }
  }
};

function claimsOf([region, settings]: readonly [string, RegionConfig | undefined]): Claim[] {
  if (!settings) return [];
  const { address, bind, nodes = {} } = settings;
  const path = ['regions', region];
  const own = { region, holder: `region ${region}`, address, bind, path };
  const ofNodes = Object.entries(nodes).map(([node, at]) => ({
    region,
    holder: `node ${node} of region ${region}`,
    address: at.address,
    bind: at.bind,
    path: [...path, 'nodes', node],
  }));
  return [own, ...ofNodes];
}

/** Who holds an address before `claim`. That of a region may be that of one of its nodes. */
function otherHolder(
  holders: Map<string, Claim>,
  address: string,
  claim: Claim,
): Claim | undefined {
  const holder = holders.get(address);
  if (!holder) holders.set(address, claim);
  if (!holder || holder.region !== claim.region || holder.path.length > 2) return holder;
  holders.set(address, claim);
  return undefined;
}

/** More would exceed what a region can say about them; see `health/vector.ts`. */
const mostNodes = 32;

export const nodesArePossible: Rule = ({ regions }, report) => {
  for (const [region, settings] of regions) {
    if (!settings?.nodes) continue;
    const path = ['regions', region, 'nodes'];
    const count = Object.keys(settings.nodes).length;
    if (count === 0) {
      const message = 'expected at least one node, or no `nodes`: the region then has one';
      report({ path, at: 'key', message });
    } else if (count > mostNodes) {
      const message = `${count} nodes; a region can have ${mostNodes}`;
      report({ path, at: 'key', message });
    }
    if (settings.bind === undefined) continue;
    const message = 'means nothing beside `nodes`: each node has a `bind` of its own';
    report({ path: ['regions', region, 'bind'], at: 'key', message });
  }
};

/** All listeners of a region share one address, the store servers of a stack too. */
export const portsDiffer: Rule = ({ ports, listeners, data, stack }, report) => {
  const holders = new Map<number, string>();
  const claim = (
    place: readonly string[],
    listeners: Readonly<Record<string, number | undefined>>,
  ) => {
    for (const [name, port] of Object.entries(listeners)) {
      if (port === undefined) continue;
      const path = [...place, name];
      const holder = holders.get(port);
      if (holder === undefined) holders.set(port, path.join('.'));
      else report({ path, at: 'value', message: `port ${port} is taken by ${holder}` });
    }
  };
  if (ports) claim(['ports'], ports);
  for (const [name, listener] of listeners) {
    if (listener?.port !== undefined && !isStandard(name)) {
      claim(['listeners', name], { port: listener.port });
    }
  }
  if (data.buckets.size > 0) claim(['data'], { port: data.port });
  if (stack) claim(['stack', 'storePorts'], stack.storePorts);
};
