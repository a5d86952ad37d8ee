import type { Config } from '../../config/schema/config.ts';
import type { NodeConfig } from '../../config/schema/region.ts';
import { failStack } from '../errors.ts';

/** One node of a stack. */
export interface StackNode {
  /** Of its process: `eu-west-1/node`, or `eu-west-1/node/a` where the region names its nodes. */
  readonly id: string;
  /** For people: `eu-west-1`, `eu-west-1/a`. */
  readonly title: string;
  readonly region: string;
  /** Undefined for the only node of a region that names none. */
  readonly name: string | undefined;
  /** Where other nodes reach it. */
  readonly address: string;
  /** The local address that it listens on. */
  readonly bind: string;
  /** False for a witness. */
  readonly serves: boolean;
}

/** The nodes of a configuration in its order. */
export function stackNodes(config: Config): StackNode[] {
  return Object.entries(config.regions).flatMap(([region, settings]) => {
    const { address, bind, nodes, kind } = settings;
    const serves = kind !== 'witness';
    if (!nodes) return [nodeOf(region, undefined, { address, bind }, serves)];
    return Object.entries(nodes).map(([name, place]) => nodeOf(region, name, place, serves));
  });
}

function nodeOf(
  region: string,
  name: string | undefined,
  { address, bind = address }: NodeConfig,
  serves: boolean,
): StackNode {
  const id = name === undefined ? `${region}/node` : `${region}/node/${name}`;
  const title = name === undefined ? region : `${region}/${name}`;
  return { id, title, region, name, address, bind, serves };
}

/**
 * Gives every region that serves `count` nodes, `a`, `b`, …: `a` at the address of the
 * region, the others at the addresses that follow it. A witness keeps its one. With one
 * node per region nothing is changed.
 *
 * @param document the configuration as written, which `config` is the model of
 * @throws MeridianError `nodes_unplaceable` when the configuration names nodes itself, or
 *   an address that follows is somebody else's or is none
 */
export function withNodes(document: unknown, config: Config, count: number): unknown {
  const named = Object.keys(config.regions).find((region) => config.regions[region]!.nodes);
  if (named !== undefined) {
    fail(`region ${named} names its nodes in the configuration: leave --nodes out`);
  }
  if (count === 1) return document;
  const { regions } = document as { readonly regions: Record<string, { bind?: string }> };
  const holders = addressHolders(config);
  const widened = Object.entries(regions).map(([region, written]): [string, object] => {
    if (config.regions[region]?.kind === 'witness') return [region, written];
    const nodes = nodesFor(region, config, count, holders);
    const { bind, ...others } = written; // Each node has its own.
    return [region, { ...others, nodes }];
  });
  return { ...(document as object), regions: Object.fromEntries(widened) };
}

function nodesFor(
  region: string,
  config: Config,
  count: number,
  holders: Map<string, string>,
): Record<string, { address: string }> {
  const { address, bind = address } = config.regions[region]!;
  if (bind !== address) {
    fail(
      `region ${region} listens on ${bind}, which is not its address: name its nodes in the configuration (\`nodes\`), each with its own`,
    );
  }
  const nodes: Record<string, { address: string }> = {};
  for (let index = 0; index < count; index++) {
    const name = String.fromCharCode('a'.charCodeAt(0) + index);
    const own = nthAfter(address, index);
    const place = `node ${name} of ${region}`;
    if (own === undefined) fail(`${place} has no address: none follows ${address} by ${index}`);
    const holder = index === 0 ? undefined : holders.get(own);
    if (holder !== undefined) fail(`${place} would have ${own}, the address of ${holder}`);
    holders.set(own, index === 0 ? `region ${region}` : place);
    nodes[name] = { address: own };
  }
  return nodes;
}

function addressHolders({ regions }: Config): Map<string, string> {
  const holders = new Map<string, string>();
  for (const [region, { address, bind }] of Object.entries(regions)) {
    holders.set(address, `region ${region}`);
    if (bind !== undefined) holders.set(bind, `region ${region}`);
  }
  return holders;
}

/** Within the last octet, and short of what is a broadcast address in a network of 256. */
function nthAfter(address: string, n: number): string | undefined {
  const octets = address.split('.');
  const last = Number(octets[3]) + n;
  return n > 0 && last > 254 ? undefined : [...octets.slice(0, 3), last].join('.');
}

function fail(why: string): never {
  return failStack('nodes_unplaceable', `cannot start several nodes per region: ${why}`);
}
