import { MeridianError } from '../base/errors.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { FoundStack } from '../stack/control/client.ts';
import type { NodeRecord, RegionRecord } from '../stack/state/record.ts';

type NamedNode = readonly [region: string, node: NodeRecord];

/**
 * The nodes of a stack that serve, of the region that was named or of all: the first of
 * each region in the order of the configuration, then the second of each, …
 *
 * @throws MeridianError `name_unknown` that lists the known names; `stack_not_running` when
 *   no stack has got as far as having regions there.
 */
export function servingNodes(stack: FoundStack, named?: string): readonly NamedNode[] {
  const nodes = servingRegions(stack, named).flatMap(([region, { nodes: own }]) =>
    own.map((node, place) => ({ place, named: [region, node] as const })),
  );
  return nodes.sort((a, b) => a.place - b.place).map((node) => node.named);
}

function servingRegions(
  { layout, record }: FoundStack,
  named: string | undefined,
): [string, RegionRecord][] {
  const serving = Object.entries(record.regions).filter(([, { serves }]) => serves);
  if (serving.length === 0) {
    throw new MeridianError(
      'stack_not_running',
      `no stack runs on ${layout.directory}; start one with \`meridian up\``,
    );
  }
  if (named === undefined) return serving;
  const found = serving.filter(([name]) => name === named);
  if (found.length > 0) return found;
  const known = serving.map(([name]) => name);
  const meant = nearestName(named, known);
  const hint = meant === undefined ? '' : `, did you mean "${meant}"?`;
  const list = known.join(', ');
  throw new MeridianError('name_unknown', `no region "${named}"${hint} (known: ${list})`);
}

/** Tries one after the other and gives the first result; the last error when there is none. */
export async function firstThatAnswers<Server, Result>(
  servers: readonly Server[],
  ask: (server: Server) => Promise<Result>,
): Promise<Result> {
  let failure: unknown;
  for (const server of servers) {
    try {
      return await ask(server);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
