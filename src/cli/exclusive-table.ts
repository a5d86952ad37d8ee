import type { ExclusiveStatus, NodeStatus } from '../admin/node-view.ts';
import type { Survey } from '../stack/survey.ts';
import { formatAge, styled, table } from './output.ts';

/** What one node says of a set. */
interface Word {
  readonly title: string;
  readonly node: NodeStatus;
  readonly set: ExclusiveStatus;
}

/** A line for each exclusive set: where it is active, by which token, for how long, and why. */
export function exclusiveTable(nodes: Survey['nodes']): string {
  const words = Object.entries(nodes).flatMap(([title, { status }]) =>
    (status?.exclusive ?? []).map((set): Word => ({ title, node: status!, set })),
  );
  const sets = Map.groupBy(words, ({ set }) => set.name);
  const rows = [...sets].map(([name, all]) => [name, ...cellsOf(all)]);
  return rows.length === 0 ? '' : table(rows, ['EXCLUSIVE', 'ACTIVE', 'TOKEN', 'FOR', 'WHY']);
}

/** Only a node that is active knows it; the others know what the store said last. */
function cellsOf(words: readonly Word[]): string[] {
  const active = words.filter(({ set }) => set.active);
  const regions = [...new Set(active.map(({ node }) => node.region))];
  const told = active.length === 0 ? words : active;
  const newest = told.reduce((one, other) =>
    (other.set.token ?? 0) > (one.set.token ?? 0) ? other : one,
  );
  const to = words.find(({ set }) => set.to !== undefined)?.set.to;
  return [
    holderCell(regions) + (to === undefined ? '' : ` → ${to}`),
    `${newest.set.token ?? '-'}`,
    active.length === 0 ? '-' : ageOf(newest),
    [...reasonsOf(told), ...astray(words, regions)].join('; '),
  ];
}

function holderCell(regions: readonly string[]): string {
  if (regions.length === 0) return styled('yellow', 'nobody');
  return styled(regions.length === 1 ? 'green' : 'red', regions.join(' and '));
}

function ageOf({ node, set }: Word): string {
  const seconds = (Date.parse(node.reportedAt) - Date.parse(set.since ?? '')) / 1_000;
  return Number.isFinite(seconds) ? formatAge(Math.max(0, seconds)) : '-';
}

/** Once where all say the same, else each by the names of those who do. */
function reasonsOf(words: readonly Word[]): string[] {
  const alike = Map.groupBy(words, ({ set }) => set.reason);
  if (alike.size === 1) return [...alike.keys()];
  return [...alike].map(([reason, same]) => `${titles(same)}: ${reason}`);
}

/** Who sends clients to where it is not active. */
function astray(words: readonly Word[], regions: readonly string[]): string[] {
  if (regions.length === 0) return [];
  const wrong = words.filter(({ set }) => !regions.includes(set.activeRegion ?? ''));
  const alike = Map.groupBy(wrong, ({ set }) => set.activeRegion ?? 'nobody');
  return [...alike].map(([named, same]) => styled('yellow', `${titles(same)}: names ${named}`));
}

const titles = (words: readonly Word[]): string => words.map(({ title }) => title).join(', ');
