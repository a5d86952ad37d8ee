import { type FieldChange, fieldChanges } from './diff-values.ts';
import type { Config } from './schema/config.ts';

/** Which nodes are asked about: all of a region, or one. */
export interface NodesAt {
  readonly region: string;
  readonly node?: string;
}

/**
 * What of `after` a node that was started with `before` takes up at its next start only, a
 * line each, with both values: `threads.gateway: 2 → 4`.
 *
 *   threads.*        threads are started with the process
 *   store.*          so is the connection to the store
 *   ports.admin      the admin API does not move while it serves
 *   bind, address    of the node: its other listeners move, the admin API does not
 *
 * Everything else is taken up while the node serves. Without `at`: of any node.
 */
export function restartOnly(before: Config, after: Config, at?: NodesAt): readonly string[] {
  const regions = at ? [at.region] : Object.keys(after.regions);
  return [
    ...restartEverywhere(before, after),
    ...regions.flatMap((region) => restartIn(before, after, { ...at, region })),
  ];
}

/** Of every node. */
export function restartEverywhere(before: Config, after: Config): string[] {
  return fieldChanges(fixedOf(before), fixedOf(after)).map(line);
}

/** Of nodes of that region only. */
export function restartIn(before: Config, after: Config, { region, node }: NodesAt): string[] {
  const old = localAddresses(before, region);
  const moved = [...localAddresses(after, region)].filter(
    ([name, address]) =>
      (node === undefined || node === name) && old.has(name) && old.get(name) !== address,
  );
  return [
    ...fieldChanges(serversOf(before, region), serversOf(after, region)).map(line),
    ...moved.map(
      ([name, address]) =>
        `address of the admin API of node ${name}: ${old.get(name)} → ${address}`,
    ),
  ];
}

function fixedOf({ threads, ports: { admin }, store }: Config): object {
  const { servers: _, ...rest } = { servers: undefined, ...store };
  return { threads, ports: { admin }, store: rest };
}

function serversOf({ store }: Config, region: string): object {
  const servers = store.engine === 'jetstream' ? store.servers?.[region] : undefined;
  return { store: { servers: { [region]: servers } } };
}

/** Where the nodes of a region listen, by the name of the node. */
function localAddresses({ regions }: Config, region: string): ReadonlyMap<string, string> {
  const configured = Object.hasOwn(regions, region) ? regions[region] : undefined;
  if (!configured) return new Map();
  const { nodes = { [region]: configured } } = configured;
  return new Map(Object.entries(nodes).map(([name, { address, bind }]) => [name, bind ?? address]));
}

/** `health.interval: 1s → 2s`. */
export function line({ path, from = 'none', to = 'none' }: FieldChange): string {
  return `${path}: ${from} → ${to}`;
}
