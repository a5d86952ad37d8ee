import type { Exposition, Sample } from './exposition.ts';

/** What may be active in one region at a time, as a node knows it. */
export interface ExclusiveFigures {
  readonly name: string;
  readonly active: boolean;
  readonly activeRegion: string | undefined;
  readonly token: number | undefined;
  readonly changes: number;
}

/** Which region a node takes for the active one is a label: while it knows of none, there is no series. */
export function exposeExclusive(
  exposition: Exposition,
  sets: readonly ExclusiveFigures[] = [],
): void {
  exposition.gauge(
    'meridian_exclusive_active',
    'Whether this node is active for the exclusive set, by a lease that holds: 1 or 0.',
    sets.map(({ name, active }) => [{ exclusive: name }, active ? 1 : 0]),
  );
  exposition.gauge(
    'meridian_exclusive_active_region_info',
    'Always 1; the label names the region that this node sends clients of the set to. None while it knows of none.',
    sets.flatMap(({ name, activeRegion }): Sample[] =>
      activeRegion === undefined ? [] : [[{ exclusive: name, region: activeRegion }, 1]],
    ),
  );
  exposition.gauge(
    'meridian_exclusive_token',
    'Fencing token of the tenure that this node saw last.',
    sets.flatMap(({ name, token }): Sample[] =>
      token === undefined ? [] : [[{ exclusive: name }, token]],
    ),
  );
  exposition.counter(
    'meridian_exclusive_changes_total',
    'Changes of the active region, as this node saw them.',
    sets.map(({ name, changes }) => [{ exclusive: name }, changes]),
  );
}
