import type { Exposition, Sample } from './exposition.ts';

/** Of a name outside of the zones that an ALIAS leads to, from best to worst. */
export const outsideStates = ['known', 'absent', 'stale', 'unknown'] as const;

export interface OutsideFigures {
  readonly target: string;
  readonly state: (typeof outsideStates)[number];
  readonly failures: number;
}

/** Nothing where no ALIAS leads out of the zones; 1,000 names at most. */
export function exposeOutside(exposition: Exposition, names: readonly OutsideFigures[] = []): void {
  exposition.gauge(
    'meridian_dns_outside_state',
    'State of each name outside of the zones that an ALIAS leads to, in the worst of the threads: 1 for the one that it is in. `absent`: a resolver says that it has no addresses; `stale`: no resolver answers, and the addresses from before go on; `unknown`: it is answered with SERVFAIL.',
    names.flatMap(({ target, state: its }) =>
      outsideStates.map((state): Sample => [{ target, state }, state === its ? 1 : 0]),
    ),
  );
  exposition.counter(
    'meridian_dns_outside_failures_total',
    'Times that a name server thread asked for addresses of the name and no resolver told anything, since the threads started.',
    names.map(({ target, failures }) => [{ target }, failures]),
  );
}
