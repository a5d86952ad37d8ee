import type { Command } from 'commander';
import { plain } from '../config/diff-values.ts';
import type { DriftRow } from '../revisions/drift.ts';
import { type AdminOptions, addAdminOptions, connectAdmin } from './admin-connection.ts';
import { formatAge, print, printJson, styled, table } from './output.ts';
import { revisionCell } from './revision-words.ts';

export function define(command: Command): void {
  addAdminOptions(command)
    .addHelpText('after', '\nStatus 1 when a node does not run what its region is to run.')
    .action(drift);
}

async function drift(options: AdminOptions): Promise<void> {
  const admin = await connectAdmin(options);
  const { nodes } = (await admin.get('/config/drift')) as { nodes: readonly DriftRow[] };
  if (nodes.some(({ state }) => state !== 'waiting' && state !== 'current')) process.exitCode = 1;
  if (options.json) return printJson({ nodes });
  print(nodes.length === 0 ? 'no drift: every node runs what it is to run' : renderDrift(nodes));
}

/** The table of `meridian drift`. */
export function renderDrift(nodes: readonly DriftRow[]): string {
  const rows = nodes.map(({ region, node, state, running, desired, forMs, reason }) => [
    nodeTitle({ region, node }),
    colouredDrift(state),
    revisionCell(running),
    revisionCell(desired),
    forMs === undefined ? '-' : formatAge(forMs / 1_000),
    plain(reason),
  ]);
  return table(rows, ['NODE', 'STATE', 'RUNS', 'IS TO RUN', 'FOR', 'REASON']);
}

/** `eu-west-1/a`; the only node of a region has its name. */
export function nodeTitle({ region, node }: Pick<DriftRow, 'region' | 'node'>): string {
  return region === node ? region : `${region}/${node}`;
}

export function colouredDrift(state: DriftRow['state']): string {
  const words = state === 'localEdit' ? 'local edit' : state;
  if (state === 'current') return styled('green', words);
  return styled(state === 'refused' || state === 'unreachable' ? 'red' : 'yellow', words);
}
