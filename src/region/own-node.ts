import { MeridianError } from '../base/errors.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { Config } from '../config/schema/config.ts';

export type OwnNodeErrorCode = 'region_unknown' | 'node_unknown' | 'node_not_named';

/** Which node of the configuration a process is. */
export interface OwnNode {
  readonly region: string;
  /** Unique in the region; its name where the region has one node only. */
  readonly node: string;
  /** The local address that it listens on. */
  readonly bind: string;
}

/** The zone of a node, where one is named. */
export function zoneOf({ regions }: Config, { region, node }: OwnNode): string | undefined {
  const { zone, nodes } = regions[region]!;
  return nodes?.[node]?.zone ?? zone;
}

/**
 * Finds the node in a configuration. `node` may be left out where the region has one.
 *
 * @throws MeridianError `region_unknown`, `node_unknown` or `node_not_named`, with `place`
 *   (of the configuration) in front.
 */
export function findOwnNode(
  config: Config,
  region: string,
  node: string | undefined,
  place: string,
): OwnNode {
  const configured = config.regions[region];
  if (!configured) return refuse('region_unknown', place, 'region', region, config.regions);
  const { address, bind, nodes } = configured;
  if (!nodes) {
    if (node === undefined || node === region)
      return { region, node: region, bind: bind ?? address };
    return refuse('node_unknown', place, `node in ${region}`, node, { [region]: true });
  }
  if (node === undefined) {
    const names = Object.keys(nodes);
    if (names.length === 1) return findOwnNode(config, region, names[0], place);
    throw new MeridianError<OwnNodeErrorCode>(
      'node_not_named',
      `${place} has several nodes in ${region}; name one with --node: ${names.join(', ')}`,
    );
  }
  const own = nodes[node];
  if (!own) return refuse('node_unknown', place, `node in ${region}`, node, nodes);
  return { region, node, bind: own.bind ?? own.address };
}

function refuse(
  code: OwnNodeErrorCode,
  place: string,
  what: string,
  name: string,
  known: Readonly<Record<string, unknown>>,
): never {
  const names = Object.keys(known);
  const meant = nearestName(name, names);
  const hint = meant === undefined ? '' : `, did you mean "${meant}"?`;
  throw new MeridianError<OwnNodeErrorCode>(
    code,
    `${place} has no ${what} "${name}"${hint}; it has: ${names.join(', ')}`,
  );
}
